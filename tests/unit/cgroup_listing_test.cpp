// Directories that are looked at again and again, read whole and followed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cgroup/listing.h"

using namespace memspike::cgroup;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "memspike-listing-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::create_directory(path());
  }
  ~Directory() { fs::remove_all(root_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  fs::path path() const { return root_ / "logs"; }
  void add(const std::string& name) const { fs::create_symlink("/somewhere/0.log", path() / name); }
  void remove(const std::string& name) const { fs::remove(path() / name); }
  void replace() const {
    fs::rename(path(), root_ / "old");
    fs::create_directory(path());
  }

 private:
  fs::path root_;
};

using NamesOf = std::vector<std::string>;

NamesOf names(const std::vector<DirectoryEntry>& entries) {
  NamesOf result;
  for (const DirectoryEntry& entry : entries) result.push_back(entry.name);
  return result;
}

}  // namespace

TEST_CASE("a directory that is looked at again tells what came and what went") {
  const bool is_followed = GENERATE(false, true);
  const Directory directory;
  directory.add("a");
  Listing listing;
  if (is_followed) listing.follow(std::chrono::seconds(0));
  CHECK(listing.look(directory.path()));
  CHECK(names(listing.entries()) == NamesOf{"a"});
  CHECK(listing.entries()[0].is_symlink);
  directory.add("c");
  directory.add("b");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.entries()) == NamesOf{"a", "b", "c"});
  NamesOf added = names(listing.added());
  std::sort(added.begin(), added.end());
  CHECK(added == NamesOf{"b", "c"});
  CHECK(listing.gone().empty());
  directory.remove("a");
  REQUIRE(listing.look(directory.path()));
  if (is_followed) REQUIRE(listing.look(directory.path()));  // it stays for one look more
  CHECK(names(listing.gone()) == NamesOf{"a"});
  CHECK(names(listing.entries()) == NamesOf{"b", "c"});
}

TEST_CASE("a directory that did not change is not read again") {
  const Directory logs;
  const fs::path directory = logs.path();
  logs.add("a");
  Listing listing;
  CHECK(listing.look(directory));
  CHECK(listing.look(directory));  // it changed a moment ago: it may have changed again since
  REQUIRE(listing.entries().size() == 1);
  const auto age = [&] {
    fs::last_write_time(directory, fs::file_time_type::clock::now() - std::chrono::hours(1));
  };
  age();
  CHECK(listing.look(directory));
  CHECK_FALSE(listing.look(directory));
  logs.add("b");
  CHECK(listing.look(directory));
  REQUIRE(listing.added().size() == 1);
  CHECK(listing.added()[0].name == "b");
  CHECK(listing.gone().empty());
  logs.remove("a");
  age();
  CHECK(listing.look(directory));
  REQUIRE(listing.gone().size() == 1);
  CHECK(listing.gone()[0].name == "a");
  fs::remove_all(directory);
  CHECK(listing.look(directory));
  CHECK(listing.entries().empty());
}

TEST_CASE("what came and went between two looks is added by one, and gone by the next") {
  const Directory directory;
  Listing listing;
  listing.follow(std::chrono::seconds(0));
  listing.look(directory.path());
  CHECK_FALSE(listing.look(directory.path()));
  directory.add("brief");
  directory.remove("brief");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.added()) == NamesOf{"brief"});
  CHECK(listing.gone().empty());
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.gone()) == NamesOf{"brief"});
  CHECK(listing.added().empty());
  CHECK_FALSE(listing.look(directory.path()));
}

TEST_CASE("what left stays for as long as that is wanted") {
  const Directory directory;
  Listing listing;
  listing.follow(std::chrono::milliseconds(50));
  listing.look(directory.path());
  directory.add("brief");
  directory.remove("brief");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.added()) == NamesOf{"brief"});
  CHECK_FALSE(listing.look(directory.path()));
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.gone()) == NamesOf{"brief"});
}

TEST_CASE("what went and came again stays") {
  const Directory directory;
  directory.add("again");
  Listing listing;
  listing.follow(std::chrono::seconds(0));
  listing.look(directory.path());
  directory.remove("again");
  directory.add("again");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.added()) == NamesOf{"again"});
  CHECK_FALSE(listing.look(directory.path()));
  CHECK(names(listing.entries()) == NamesOf{"again"});
}

TEST_CASE("a directory that another one replaces, or that comes only later, is followed from then on") {
  const Directory directory;
  directory.add("before");
  Listing listing;
  listing.follow(std::chrono::seconds(0));
  listing.look(directory.path());
  directory.replace();
  directory.add("after");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.gone()) == NamesOf{"before"});
  CHECK(names(listing.added()) == NamesOf{"after"});
  directory.add("later");
  directory.remove("later");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.added()) == NamesOf{"later"});

  Listing early;
  early.follow(std::chrono::seconds(0));
  early.look(directory.path() / "no-such");
  CHECK(early.entries().empty());
  fs::create_directory(directory.path() / "no-such");
  REQUIRE(early.look(directory.path() / "no-such"));
  std::ofstream(directory.path() / "no-such" / "file");
  REQUIRE(early.look(directory.path() / "no-such"));
  CHECK(names(early.entries()) == NamesOf{"file"});
}

TEST_CASE("of more changes than the kernel keeps, the directory itself tells") {
  const Directory directory;
  Listing listing;
  listing.follow(std::chrono::seconds(0));
  listing.look(directory.path());
  for (int i = 0; i < 9'000; ++i) {  // fs.inotify.max_queued_events: 16,384 as a rule
    directory.add("fleeting" + std::to_string(i));
    directory.remove("fleeting" + std::to_string(i));
  }
  directory.add("stays");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.entries()) == NamesOf{"stays"});
  directory.add("next");
  REQUIRE(listing.look(directory.path()));
  CHECK(names(listing.added()) == NamesOf{"next"});
}
