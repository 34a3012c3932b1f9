# cmake --install: libraries, headers, and what find_package(lce_delegate) and pkg-config read.
include(CMakePackageConfigHelpers)

set_target_properties(lce_delegate PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(lce_core lce_delegate_static PROPERTIES EXCLUDE_FROM_ALL FALSE)

install(TARGETS lce_core lce_delegate lce_delegate_static EXPORT lce_delegate
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/lce_core.h include/lce_delegate.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/lce_delegate)
install(EXPORT lce_delegate NAMESPACE lce_delegate:: FILE targets.cmake DESTINATION ${folder})
file(WRITE ${PROJECT_BINARY_DIR}/lce_delegate-config.cmake
  "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\n"
  "include(\${CMAKE_CURRENT_LIST_DIR}/targets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lce_delegate-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lce_delegate-config.cmake
  ${PROJECT_BINARY_DIR}/lce_delegate-config-version.cmake DESTINATION ${folder})

configure_file(cmake/lce_delegate.pc.in lce_delegate.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lce_delegate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
