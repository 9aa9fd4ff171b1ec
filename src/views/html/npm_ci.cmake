# Fetches what package-lock.json names into the build tree, whose copy of the three files says what is there.
#   cmake -DNPM=… -DSOURCE=… -DBINARY=… -P npm_ci.cmake
file(MAKE_DIRECTORY ${BINARY})
foreach(name package.json package-lock.json .npmrc)
  configure_file(${SOURCE}/${name} ${BINARY}/${name} COPYONLY)
endforeach()
execute_process(COMMAND ${NPM} ci --ignore-scripts --loglevel=error
  WORKING_DIRECTORY ${BINARY} RESULT_VARIABLE result OUTPUT_QUIET)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "npm could not fetch uPlot, which the HTML report inlines: is there a network, or a filled npm cache?")
endif()
file(TOUCH ${BINARY}/fetched)
