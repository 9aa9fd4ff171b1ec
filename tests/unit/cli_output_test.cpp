// Where output goes: whole documents take the place of a file at once, or not at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "cgroup_tree.h"
#include "cli/output.h"

using namespace memspike;
using cli::Output;
using Tree = cgroup::testing::Tree;

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_in(const Tree& tree) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(tree.root())) ++count;
  return count;
}

Output open_whole(const std::filesystem::path& path) {
  auto output = Output::open(path.string(), STDOUT_FILENO, Output::Mode::whole);
  REQUIRE(output);
  return std::move(*output);
}

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("a whole document takes the place of the file when it is closed") {
  const Tree tree;
  tree.file("a.prom", "old");
  REQUIRE(::chmod(tree.at("a.prom").c_str(), 0640) == 0);
  const auto before = status_of(tree.at("a.prom"));
  Output output = open_whole(tree.at("a.prom"));
  CHECK(files_in(tree) == 1);
  REQUIRE(output.write("new, "));
  REQUIRE(output.write("and longer"));
  CHECK(content_of(tree.at("a.prom")) == "old");
  CHECK_FALSE(std::filesystem::exists(tree.at("a.prom.tmp")));
  REQUIRE(output.close());
  CHECK(content_of(tree.at("a.prom")) == "new, and longer");
  CHECK(files_in(tree) == 1);
  const auto after = status_of(tree.at("a.prom"));
  CHECK(after.st_ino != before.st_ino);
  CHECK(after.st_mode == before.st_mode);
}

TEST_CASE("while it is written, a collector of *.prom does not see it") {
  const Tree tree;
  Output output = open_whole(tree.at("a.prom"));
  REQUIRE(output.write("half"));
  for (const auto& entry : std::filesystem::directory_iterator(tree.root())) {
    CHECK(entry.path().extension() != ".prom");
  }
  CHECK(files_in(tree) == 1);
  REQUIRE(output.close());
  CHECK(content_of(tree.at("a.prom")) == "half");
}

TEST_CASE("what is not closed is as if it had never been written") {
  const Tree tree;
  tree.file("a.json", "old");
  {
    Output output = open_whole(tree.at("a.json"));
    REQUIRE(output.write("half"));
    Output moved = std::move(output);
    REQUIRE(moved.write("half"));
  }
  CHECK(content_of(tree.at("a.json")) == "old");
  CHECK(files_in(tree) == 1);
}

TEST_CASE("a file with another name is written as it is") {
  const Tree tree;
  tree.file("real", "old and long");
  SECTION("a symbolic link") { tree.link("link", "real"); }
  SECTION("a hard link") { std::filesystem::create_hard_link(tree.at("real"), tree.at("link")); }
  Output output = open_whole(tree.at("link"));
  REQUIRE(output.write("new"));
  REQUIRE(output.close());
  CHECK(content_of(tree.at("real")) == "new");
  CHECK(content_of(tree.at("link")) == "new");
}

TEST_CASE("a link to nowhere makes the file that it names") {
  const Tree tree;
  tree.link("link", "real");
  Output output = open_whole(tree.at("link"));
  REQUIRE(output.write("new"));
  REQUIRE(output.close());
  CHECK(content_of(tree.at("real")) == "new");
}

TEST_CASE("a pipe and a device are written as they are") {
  const Tree tree;
  REQUIRE(::mkfifo(tree.at("pipe").c_str(), 0600) == 0);
  const int reader = ::open(tree.at("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  Output output = open_whole(tree.at("pipe"));
  REQUIRE(output.write("new"));
  char text[8] = {};
  CHECK(::read(reader, text, sizeof text) == 3);
  REQUIRE(output.close());
  ::close(reader);
  CHECK(S_ISFIFO(status_of(tree.at("pipe")).st_mode));
  Output null = open_whole("/dev/null");
  REQUIRE(null.write("new"));
  REQUIRE(null.close());
  CHECK(S_ISCHR(status_of("/dev/null").st_mode));
}

TEST_CASE("rows are in their file at once") {
  const Tree tree;
  auto output = Output::open(tree.at("a.csv").string(), STDOUT_FILENO, Output::Mode::stream);
  REQUIRE(output);
  REQUIRE(output->write("a,b\n"));
  CHECK(content_of(tree.at("a.csv")) == "a,b\n");
}

TEST_CASE("a file that cannot be written is known at once") {
  const Tree tree;
  const auto output = Output::open(tree.at("no/such/a.json").string(), STDOUT_FILENO, Output::Mode::whole);
  REQUIRE_FALSE(output);
  CHECK(output.error().message.find("no/such/a.json: No such file or directory") != std::string::npos);
  CHECK_FALSE(Output::open(tree.root().string(), STDOUT_FILENO, Output::Mode::whole));
}

TEST_CASE("a new file is for its owner's eyes") {
  const Tree tree;
  for (const auto mode : {Output::Mode::whole, Output::Mode::stream}) {
    const std::string name = mode == Output::Mode::whole ? "whole" : "stream";
    auto output = Output::open(tree.at(name).string(), STDOUT_FILENO, mode);
    REQUIRE(output);
    REQUIRE(output->write("secret"));
    REQUIRE(output->close());
    CHECK((status_of(tree.at(name)).st_mode & 0777) == 0600);
  }
}

TEST_CASE("where others may write, links are not followed and their files are left alone") {
  const Tree tree;
  tree.dir("shared");
  tree.file("real", "mine");
  tree.link("shared/link", "../real");
  tree.file("shared/own", "old");
  REQUIRE(::chmod(tree.at("shared").c_str(), 01777) == 0);
  for (const auto mode : {Output::Mode::whole, Output::Mode::stream}) {
    const auto through = Output::open(tree.at("shared/link").string(), STDOUT_FILENO, mode);
    REQUIRE_FALSE(through);
    CHECK(through.error().message.find("a link in a directory that others may write to") !=
          std::string::npos);
    CHECK(content_of(tree.at("real")) == "mine");
    CHECK(Output::open(tree.at("shared/own").string(), STDOUT_FILENO, mode));
    CHECK(Output::open(tree.at("shared/new").string(), STDOUT_FILENO, mode));
    if (::geteuid() != 0) continue;
    tree.file("shared/theirs", "theirs");
    REQUIRE(::chown(tree.at("shared/theirs").c_str(), 12345, 12345) == 0);
    CHECK_FALSE(Output::open(tree.at("shared/theirs").string(), STDOUT_FILENO, mode));
    CHECK(content_of(tree.at("shared/theirs")) == "theirs");
  }
}
