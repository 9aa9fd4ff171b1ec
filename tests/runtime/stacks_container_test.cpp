// --stacks of a container that runc started: its program and libraries are nowhere but in its own root.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "bundle.h"
#include "stacks.h"

using namespace memspike::test;

namespace {

constexpr const char* kLibrary = R"(
  __attribute__((noinline)) static void inner_touch(volatile char* data, unsigned long size) {
    for (unsigned long at = 0; at < size; at += 4096) data[at] = 1;
    __asm__ volatile("" ::: "memory");
  }
  void inner_fill(char* data, unsigned long size) {
    inner_touch(data, size);
    __asm__ volatile("" ::: "memory");
  })";

constexpr const char* kProgram = R"(
  #include <stdlib.h>
  #include <unistd.h>
  void inner_fill(char*, unsigned long);
  __attribute__((noinline)) static void app_grow(void) {
    inner_fill(malloc(24 << 20), 24 << 20);
    __asm__ volatile("" ::: "memory");
  }
  int main(void) {
    usleep(300000); /* its mappings are read in this time */
    app_grow();
    usleep(100000);
  })";

// As distributions ship them, stripped: the library's symbols lie in /usr/lib/debug of the container, those
// of the program in itself, packed (MiniDebugInfo, as gdb's manual makes it).
constexpr const char* kBuild = R"(
  cd $0; app=rootfs/app
  mkdir -p $app
  gcc -g -O2 -fomit-frame-pointer -fPIC -shared -Wl,--build-id -o $app/libinner.so inner.c
  gcc -g -O2 -fomit-frame-pointer -o $app/app app.c -L$app -linner -Wl,-rpath,/app
  id=$(readelf -n $app/libinner.so | sed -n 's/.*Build ID: //p')
  debug=rootfs/usr/lib/debug/.build-id/$(echo $id | cut -c1-2)
  mkdir -p $debug
  objcopy --only-keep-debug $app/libinner.so $debug/$(echo $id | cut -c3-).debug
  strip $app/libinner.so
  nm -D $app/app --format=posix --defined-only | cut -d' ' -f1 | sort >dynamic
  nm $app/app --format=posix --defined-only | sed -n 's/ [Tt] .*//p' | sort >functions
  comm -13 dynamic functions >kept
  objcopy --only-keep-debug $app/app debug
  objcopy -S --remove-section .comment --keep-symbols=kept debug mini
  strip --strip-all $app/app
  xz mini
  objcopy --add-section .gnu_debugdata=mini.xz $app/app
  LD_LIBRARY_PATH=$app ldd $app/app | grep -o ' /[^ ]*\|^[[:space:]]*/[^ ]*' | grep -v inner | while read -r library; do
    mkdir -p rootfs$(dirname $library); cp -L $library rootfs$library
  done)";

}  // namespace

TEST_CASE("stacks of a container of runc have the symbols of its own root", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  const std::string uid = unique_uid();
  const std::string id = "memspike-test-" + std::to_string(getpid()) + std::string(44, 'e');
  make_bundle(dir.path() / "bundle", "/kubepods/burstable/pod" + uid + "/" + id, 64U << 20, {"/app/app"});
  write_file(dir / "bundle/inner.c", kLibrary);
  write_file(dir / "bundle/app.c", kProgram);
  Process build({{"/bin/sh", "-ec", kBuild, (dir / "bundle").string()}, nullptr, {}});
  const int built = build.wait();
  INFO(build.out() << build.err());
  REQUIRE(built == 0);
  Recorder recorder({"--pod-uid", uid, "--wait=60s", "--stacks"});
  Process runc({{"/usr/sbin/runc", "run", "--bundle", (dir / "bundle").string(), id}, nullptr, {}});
  const int code = runc.wait();
  INFO(runc.out() << runc.err());
  REQUIRE(code == 0);
  const Json report = recorder.stop();
  remove_pod_folders(uid);
  INFO(report.at("stacks").dump().substr(0, 4000));
  constexpr std::uint64_t kPages = 24U << 8;
  CHECK(pages_of(report, {"inner_touch", "inner_fill", "app_grow", "main"}) >= kPages * 9 / 10);
  CHECK(pages_below(report, "_start") >= kPages * 9 / 10);
}
