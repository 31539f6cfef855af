# SPDX-License-Identifier: Apache-2.0
# Manual pages and completions come from the tables in the programs, which print them: PROGRAM [COMMAND] --help=man.

# sl_program(name COMPONENT): installs the program with the manual pages of it and of its subcommands, and with what
# shells complete. The program itself says which subcommands it has.
function(sl_program name component)
  set(folder ${PROJECT_BINARY_DIR}/man/${name})
  add_custom_command(
    OUTPUT ${folder}/${name}.1
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${name}> -DNAME=${name} -DFOLDER=${folder}
            -P ${PROJECT_SOURCE_DIR}/cmake/manual_pages.cmake
    DEPENDS ${name} ${PROJECT_SOURCE_DIR}/cmake/manual_pages.cmake VERBATIM)
  add_custom_target(${name}-man ALL DEPENDS ${folder}/${name}.1)
  install(TARGETS ${name} COMPONENT ${component})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${component})
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${component} FILES_MATCHING PATTERN "*.1")
  set(completions ${PROJECT_SOURCE_DIR}/deploy/completions)
  install(FILES ${completions}/sluice.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${name}
          COMPONENT ${component})
  install(FILES ${completions}/sluice.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _sluice
          COMPONENT ${component})
  install(FILES ${completions}/sluice.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
          RENAME ${name}.fish COMPONENT ${component})
endfunction()
