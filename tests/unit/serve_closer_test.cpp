// At whom a service looks closer: a pod as a whole, a container by its name, and nobody else.
#include <catch2/catch.hpp>

#include "serve/closer.h"

using namespace memspike;
using namespace memspike::serve;

namespace {

constexpr std::uint64_t kSecond = Zoom::kSecondNs;

Life& add(Watched& watched, facts::MemcgIndex memcg, std::optional<facts::MemcgIndex> parent,
          facts::Role role, std::optional<SubjectId> subject) {
  facts::MemcgFound found;
  found.memcg = memcg;
  found.parent = parent;
  found.path = "/" + std::to_string(memcg);
  found.description.role = role;
  Life& life = *watched.add(found, 1);
  life.subject = std::move(subject);
  return life;
}

using Roots = std::vector<facts::MemcgIndex>;

}  // namespace

TEST_CASE("a pod in trouble is looked at closer, with what is started in it next, and no other one is") {
  Watched watched;
  add(watched, 1, {}, facts::Role::pod, {});
  const Life& cart = add(watched, 2, 1, facts::Role::container, SubjectId{"shop", "cart", "app"});
  add(watched, 3, {}, facts::Role::pod, {});
  const Life& other = add(watched, 4, 3, facts::Role::container, SubjectId{"shop", "other", "app"});
  facts::Session session;
  session.detail = "sweep";
  session.details = {{1, "sweep"}};
  Closer closer(1);
  CHECK(closer.look_around(watched, 99 * kSecond, 7).empty());
  CHECK_FALSE(closer.take_wish());

  closer.note(cart, Trouble::killed, 100 * kSecond, watched);
  const auto changes = closer.look_around(watched, 100 * kSecond, 8);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].first == 1U);
  CHECK(changes[0].second.is_in);
  CHECK(changes[0].second.who == "shop/cart/app");
  CHECK(changes[0].second.realtime_ns == 8);
  CHECK(closer.take_wish() == Roots{1});
  CHECK_FALSE(closer.take_wish());
  REQUIRE(closer.now().size() == 1);

  // Started again: in the same pod, so nothing changes. Some runtimes put a cgroup between.
  add(watched, 6, 1, facts::Role::cgroup, {});
  const Life& again = add(watched, 5, 6, facts::Role::container, SubjectId{"shop", "cart", "app"});
  closer.note(again, Trouble::killed, 110 * kSecond, watched);
  CHECK(closer.look_around(watched, 110 * kSecond, 9).empty());
  CHECK_FALSE(closer.take_wish());
  CHECK(closer.details_of(again, watched, session, 0).back().detail == "pages");
  CHECK(closer.details_of(other, watched, session, 0).size() == 1);

  const auto over = closer.look_around(watched, 230 * kSecond, 10);
  REQUIRE(over.size() == 1);
  CHECK_FALSE(over[0].second.is_in);
  CHECK(over[0].second.who == "shop/cart/app");
  CHECK(closer.take_wish() == Roots{});
  CHECK(closer.now().empty());
  CHECK(closer.latest().size() == 2);
  const auto details = closer.details_of(again, watched, session, 0);
  REQUIRE(details.size() == 3);
  CHECK(details[1].detail == "pages");
  CHECK(details[1].from_ns == 100 * kSecond);
  CHECK(details[2].detail == "sweep");
  CHECK(details[2].from_ns == 230 * kSecond);
  // Of what begins after that nothing is to be said.
  CHECK(closer.details_of(again, watched, session, 231 * kSecond).size() == 1);
}

TEST_CASE("a container in no pod is looked at closer by its name when it is started again") {
  Watched watched;
  const SubjectId web{"", "", "web"};
  Life& first = add(watched, 7, {}, facts::Role::container, web);
  Closer closer(1);
  closer.note(first, Trouble::killed, 100 * kSecond, watched);
  CHECK(closer.look_around(watched, 100 * kSecond, 1).size() == 1);
  CHECK(closer.take_wish() == Roots{7});
  watched.end(first, 101 * kSecond);
  closer.end(7);
  const Life& second = add(watched, 9, {}, facts::Role::container, web);
  add(watched, 10, {}, facts::Role::container, SubjectId{"", "", "db"});
  CHECK(closer.look_around(watched, 102 * kSecond, 2).empty());
  CHECK(closer.take_wish() == Roots{7, 9});
  closer.note(second, Trouble::killed, 103 * kSecond, watched);
  CHECK(closer.look_around(watched, 103 * kSecond, 3).empty());
}

TEST_CASE("who says by hand how close to look ends what was decided") {
  Watched watched;
  const Life& life = add(watched, 7, {}, facts::Role::container, SubjectId{"", "", "web"});
  facts::Session session;
  Closer closer(1);
  closer.note(life, Trouble::killed, 100 * kSecond, watched);
  closer.look_around(watched, 100 * kSecond, 1);
  closer.stop(101 * kSecond);
  CHECK(closer.now().empty());
  CHECK_FALSE(closer.take_wish());
  const auto details = closer.details_of(life, watched, session, 0);
  REQUIRE(details.size() == 2);
  CHECK(details[1].from_ns == 101 * kSecond);
}
