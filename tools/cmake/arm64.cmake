# Debian's compilers for arm64 (crossbuild-essential-arm64) and its libraries for it beside this machine's own. clang,
# bpftool, npm and node are this machine's: what they make is the same for every architecture, or told which (bpf/).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# The C library that the cross compiler brings is not kept up to date: Debian's own for arm64 is linked.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-B/usr/lib/aarch64-linux-gnu -L/usr/lib/aarch64-linux-gnu")

# Libraries are found in the folder of their architecture, which CMake has from the compiler. pkg-config must be told,
# or it would name this machine's.
set(unpacked /usr/local/lib/memspike-arm64/libevent-dev/usr/lib/aarch64-linux-gnu/pkgconfig)  # tools/install-deps --arm64
set(ENV{PKG_CONFIG_LIBDIR} ${unpacked}:/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)

# What is built and run while building, and tests: an arm64 machine runs them itself.
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
endif()
