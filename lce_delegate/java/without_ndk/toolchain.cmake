# CMake toolchain for Android without Google's NDK: clang, lld and LLVM's tools, as Debian has them.
#
#   cmake -S lce_delegate/java -B build -DLCE_ANDROID_ABI=arm64-v8a -DLCE_JAVA_HOME=/path/to/jdk \
#       -DCMAKE_TOOLCHAIN_FILE=$PWD/lce_delegate/java/without_ndk/toolchain.cmake
#
# The headers in include/ declare the few functions of Android's C library that the sources call.
# Libraries to link with are made here from symbols.txt: empty functions, never shipped. A function
# that is missing there fails the link, so nothing is imported that the list does not name.
set(LCE_ANDROID_ABI "" CACHE STRING "arm64-v8a, armeabi-v7a or x86_64")
set(LCE_LLVM_SUFFIX "-19" CACHE STRING "What follows the names of clang, ld.lld and llvm-ar")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LCE_ANDROID_ABI LCE_LLVM_SUFFIX)

set(android_api 26)
if(LCE_ANDROID_ABI STREQUAL "arm64-v8a")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(CMAKE_C_COMPILER_TARGET aarch64-linux-android${android_api})
elseif(LCE_ANDROID_ABI STREQUAL "armeabi-v7a")
  set(CMAKE_SYSTEM_PROCESSOR armv7)
  set(CMAKE_C_COMPILER_TARGET armv7a-linux-androideabi${android_api})
elseif(LCE_ANDROID_ABI STREQUAL "x86_64")
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
  set(CMAKE_C_COMPILER_TARGET x86_64-linux-android${android_api})
else()
  message(FATAL_ERROR "LCE_ANDROID_ABI is '${LCE_ANDROID_ABI}', expected arm64-v8a, armeabi-v7a or x86_64")
endif()

set(CMAKE_SYSTEM_NAME Linux)  # "Android" makes CMake look for an NDK
set(CMAKE_C_COMPILER clang${LCE_LLVM_SUFFIX})
find_program(CMAKE_AR llvm-ar${LCE_LLVM_SUFFIX} REQUIRED)
find_program(CMAKE_RANLIB llvm-ranlib${LCE_LLVM_SUFFIX} REQUIRED)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_HAVE_LIBC_PTHREAD TRUE)  # Android has no library of its own for threads
set(CMAKE_C_FLAGS_INIT
  "-nostdlibinc -isystem ${CMAKE_CURRENT_LIST_DIR}/include -fstack-protector-strong")

set(stubs ${CMAKE_BINARY_DIR}/stubs)
foreach(library c)
  if(NOT EXISTS ${stubs}/lib${library}.so)
    file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/symbols.txt symbols REGEX "^lib${library} ")
    set(source "")
    foreach(symbol ${symbols})
      string(REGEX REPLACE "^lib${library} " "" symbol ${symbol})
      string(APPEND source "void ${symbol}(void) {}\n")
    endforeach()
    file(WRITE ${stubs}/lib${library}.c "${source}")
    execute_process(
      COMMAND ${CMAKE_C_COMPILER} --target=${CMAKE_C_COMPILER_TARGET} -ffreestanding -fno-builtin -fPIC
        -shared -nostdlib -fuse-ld=lld -Wl,-soname,lib${library}.so
        -o ${stubs}/lib${library}.so ${stubs}/lib${library}.c
      RESULT_VARIABLE failed)
    if(failed)
      file(REMOVE ${stubs}/lib${library}.so)
      message(FATAL_ERROR "${CMAKE_C_COMPILER} could not build for ${LCE_ANDROID_ABI}: "
        "install clang${LCE_LLVM_SUFFIX}, lld${LCE_LLVM_SUFFIX} and llvm${LCE_LLVM_SUFFIX}")
    endif()
  endif()
endforeach()

set(CMAKE_SHARED_LINKER_FLAGS_INIT
  "-nostdlib -fuse-ld=lld -L${stubs} -Wl,--hash-style=both,--gc-sections,--strip-all,--build-id=sha1,\
-z,relro,-z,now,-z,noexecstack,-z,text")
set(CMAKE_C_STANDARD_LIBRARIES "-lc")
if(LCE_ANDROID_ABI STREQUAL "armeabi-v7a")
  # ARMv7 need not have an instruction for division. GCC's own library for integers, which is
  # linked in, is the same for every system.
  file(GLOB libgcc /usr/lib/gcc-cross/arm-linux-gnueabihf/*/libgcc.a)
  if(NOT libgcc)
    message(FATAL_ERROR "libgcc.a for ARM is not there: install libgcc-12-dev-armhf-cross")
  endif()
  list(GET libgcc -1 libgcc)
  string(PREPEND CMAKE_C_STANDARD_LIBRARIES "${libgcc} ")
endif()
