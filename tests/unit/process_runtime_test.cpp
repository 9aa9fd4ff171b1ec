// What runtimes were told that they may take, by their command lines and environments.
#include <catch2/catch.hpp>
#include <string>

#include "process/runtime.h"

using namespace memspike::process;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// As /proc has it: words that end with a NUL each.
std::string nul(std::string text) {
  for (char& c : text) c = c == ' ' ? '\0' : c;
  return text.empty() ? text : text + '\0';
}

Runtime of(const std::string& cmdline, const std::string& environ = "") {
  const auto runtime = runtime_of(nul(cmdline), environ);
  REQUIRE(runtime);
  return *runtime;
}

}  // namespace

TEST_CASE("a JVM takes what -Xmx says, the last one, or a share of the limit") {
  CHECK(of("java -Xmx80m -jar app.jar") == Runtime{"JVM", "-Xmx80m", 80 * kMiB, false});
  CHECK(of("/usr/lib/jvm/bin/java -Xmx1g -Xmx512M -cp a.jar Main").told_bytes == 512 * kMiB);
  CHECK(of("java -cp a.jar:b.jar -Xmx83886080 Main").told_bytes == 80 * kMiB);
  CHECK(of("java -XX:MaxHeapSize=65536k Main").setting == "-XX:MaxHeapSize=65536k");
  CHECK(of("java -jar app.jar -Xmx80m") == Runtime{"JVM", "", {}, true});  // the program's own argument
  CHECK(of("java Main -Xmx80m").follows_limit);
  CHECK(of("java -XX:MaxRAMPercentage=75 -jar a.jar") == Runtime{"JVM", "-XX:MaxRAMPercentage=75", {}, true});
  CHECK(of("java -Xmx80m -XX:MaxRAMPercentage=75 Main").told_bytes == 80 * kMiB);
  CHECK(of("java -XX:MaxRAMPercentage=75 -Xmx80m Main") == Runtime{"JVM", "-Xmx80m", 80 * kMiB, false});
  CHECK(of("java Main", std::string("A=b\0JAVA_TOOL_OPTIONS=-Xms8m -Xmx64m\0", 37)).told_bytes == 64 * kMiB);
  CHECK(of("java -Xmx32m Main", std::string("_JAVA_OPTIONS=-Xmx64m\0", 22)).told_bytes == 64 * kMiB);
  CHECK(of("java -Xmx32m Main", std::string("JAVA_TOOL_OPTIONS=-Xmx64m\0", 26)).told_bytes == 32 * kMiB);
  for (const char* nonsense :
       {"java -Xmx Main", "java -Xmx-5m Main", "java -Xmx80q Main", "java -Xmx9e99g Main"}) {
    CHECK(of(nonsense).follows_limit);
  }
}

TEST_CASE("a JVM under another name is known by its library, and its options stand anywhere") {
  const std::string maps =
      "55d0c1e00000-55d0c1e01000 r-xp 00000000 08:01 1234 /usr/bin/jsvc\n"
      "7f1c2a000000-7f1c2b000000 r-xp 00000000 08:01 99 /usr/lib/jvm/java-17/lib/server/libjvm.so\n";
  CHECK(maps_jvm(maps));
  CHECK(maps_jvm("7f1c2a000000-7f1c2b000000 r-xp 00000000 08:01 99 /opt/libjvm.so (deleted)\n"));
  CHECK_FALSE(maps_jvm("7f1c2a000000-7f1c2b000000 r-xp 00000000 08:01 99 /opt/notlibjvm.so\n"));
  CHECK_FALSE(maps_jvm("7f1c2a000000-7f1c2b000000 r-xp 00000000 08:01 99 /opt/libjvm.so.txt\n"));
  const std::string cmdline = nul("/usr/bin/jsvc -user web -Xmx80m -cp a.jar Main");
  CHECK(runtime_of(cmdline, "", true) == Runtime{"JVM", "-Xmx80m", 80 * kMiB, false});
  CHECK(runtime_of(nul("jsvc Main"), "", true) == Runtime{"JVM", "", {}, true});
  CHECK_FALSE(runtime_of(cmdline, ""));
  CHECK(is_called_as_jvms("GC Thread#0"));
  CHECK(is_called_as_jvms("C2 CompilerThre"));
  CHECK_FALSE(is_called_as_jvms("nginx"));
}

TEST_CASE("Node, Go and .NET have settings of their own") {
  CHECK(of("node --max-old-space-size=512 app.js") ==
        Runtime{"Node.js", "--max-old-space-size=512", 512 * kMiB, false});
  CHECK(of("node app.js --max-old-space-size=512").follows_limit);
  CHECK(of("nodejs app.js", std::string("NODE_OPTIONS=--max_old_space_size=64\0", 37)).told_bytes ==
        64 * kMiB);
  CHECK(of("server -v", std::string("GOMEMLIMIT=100MiB\0", 18)) ==
        Runtime{"Go", "GOMEMLIMIT=100MiB", 100 * kMiB, false});
  CHECK(of("server", std::string("GOMEMLIMIT=104857600\0", 21)).told_bytes == 100 * kMiB);
  CHECK_FALSE(runtime_of(nul("server"), std::string("GOMEMLIMIT=off\0", 15)));
  CHECK_FALSE(runtime_of(nul("server"), std::string("GOMEMLIMIT=100Mi\0", 17)));
  CHECK(of("dotnet app.dll", std::string("DOTNET_GCHeapHardLimit=0x6400000\0", 33)).told_bytes == 100 * kMiB);
  CHECK(of("dotnet app.dll") == Runtime{".NET", "", {}, true});
}

TEST_CASE("what is no runtime, or is hostile, is none") {
  CHECK_FALSE(runtime_of("", ""));
  CHECK_FALSE(runtime_of(nul("sh -c java"), ""));
  CHECK_FALSE(runtime_of(nul("javac -Xmx80m"), ""));
  CHECK(of("java -Xmx" + std::string(5000, '9') + "m Main").follows_limit);
}
