# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=f -DNAME=n -DFOLDER=d -P manual_pages.cmake: the manual pages n.1 and n-COMMAND.1 in the folder, and no
# older ones beside them.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})

# page(FILE [COMMAND]): what the program prints.
function(page file)
  execute_process(COMMAND ${PROGRAM} ${ARGN} --help=man OUTPUT_FILE ${FOLDER}/${file} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    file(REMOVE ${FOLDER}/${NAME}.1)
    message(FATAL_ERROR "${PROGRAM} ${ARGN} --help=man: ${status}")
  endif()
endfunction()

execute_process(COMMAND ${PROGRAM} --help=words OUTPUT_VARIABLE words COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "(^|\n)[a-z][a-z0-9]*\t" commands "${words}")
list(TRANSFORM commands STRIP)
page(${NAME}.1)
foreach(command ${commands})
  page(${NAME}-${command}.1 ${command})
endforeach()
