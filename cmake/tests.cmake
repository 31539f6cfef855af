# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
# The system's Python, which is the one that has the packages of ci/setup (python3-grpcio); another one may stand
# before it in the PATH.
find_program(SLUICE_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)

# sl_add_test(component module): builds test_<module>.c of its folder under tests/unit/<component>/ as test
# <component>/<module>, label unit.
# It links sluice_<component> and the helpers of tests/support.
function(sl_add_test component module)
  set(target test_${component}_${module})
  add_executable(${target} ${CMAKE_CURRENT_SOURCE_DIR}/test_${module}.c)
  target_link_libraries(${target} PRIVATE sluice_${component} sluice_test_support PkgConfig::CMOCKA)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${component}/${module} COMMAND ${target})
  set_tests_properties(${component}/${module} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()
