// --stacks of programs as Debian ships them: no frame pointers, few symbols.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "stacks.h"

using namespace memspike::test;

namespace {

// Records a shell script that runs the program and gives it work; "$0" is a directory of its own.
Json record_script(const TempDir& dir, const std::string& script, int timeout_s = 120) {
  Process run({{memspike_path(), "run", "-q", "-f", "json", "--stacks", "-o", (dir / "report").string(), "--",
                "/bin/sh", "-ec", script, dir.path().string()},
               nullptr,
               {}});
  const int code = run.wait(timeout_s);
  INFO(run.out() << run.err());
  REQUIRE(code == 0);
  return parse_report(read_file(dir / "report"));
}

// 95 of 100 pages of one program, by its process's name, lead to where its thread began, or what is said.
void check_whole_program(const Json& report, const std::string& comm, std::uint64_t least_pages,
                         std::uint64_t most_cut_percent = 5) {
  std::uint64_t pages = 0;
  std::uint64_t cut_short = 0;
  for (const Json& stack : report.at("stacks")) {
    const auto kernel = frames_of(stack, "kernel");
    // A process in exec has no user stack.
    const bool in_exec = std::find(kernel.begin(), kernel.end(), "bprm_execve") != kernel.end();
    if (stack.at("comm") != comm || in_exec) continue;
    pages += counter(stack, "pages");
    if (stack.at("cut_short") == true) cut_short += counter(stack, "pages");
  }
  INFO(report.at("stacks").dump().substr(0, 4000));
  CHECK(pages >= least_pages);
  CHECK(cut_short * 100 <= pages * most_cut_percent);
}

constexpr std::uint64_t kPagesOfMib = 256;

}  // namespace

TEST_CASE("a program of the distribution leads to its _start", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  const Json report = record_script(dir, "exec /usr/bin/python3 -c 'x = bytearray(50 << 20)'");
  check_whole(report);
  CHECK(pages_below(report, "_start") >= counter(report.at("stack_pages"), "total") * 90 / 100);
  CHECK(report.at("stacks").at(0).at("way_in") == "page fault");
}

TEST_CASE("stacks of redis-server are whole", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  const Json report = record_script(dir, R"(
    redis-server --port 0 --unixsocket $0/socket --save '' --dir $0 >/dev/null &
    until redis-cli -s $0/socket ping 2>/dev/null | grep -q PONG; do sleep 0.05; done
    redis-benchmark -s $0/socket -t set -n 60000 -c 20 -d 512 -r 100000 -P 16 -q >/dev/null
    redis-cli -s $0/socket shutdown nosave; wait)");
  check_whole_program(report, "redis-server", 15 * kPagesOfMib);
  CHECK(pages_below(report, "createStringObject") >= 8 * kPagesOfMib);
}

// Its worker is forked by a master; the memory is that of buffers of 2 MiB that it compresses from.
TEST_CASE("stacks of nginx are whole", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  write_file(dir / "conf", R"(daemon off; worker_processes 1; pid pid; error_log error; user root;
    events { worker_connections 512; }
    http {
      access_log off; gzip on; gzip_types *; gzip_min_length 1; gzip_comp_level 1; sendfile off; output_buffers 2 2m;
      client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
      server { listen unix:DIR/socket; root DIR; }
    })");
  const Json report = record_script(dir, R"(
    head -c 20000000 /dev/urandom >$0/file; chmod 755 $0; sed -i "s|DIR|$0|g" $0/conf
    nginx -p $0 -e error -c conf &
    until curl -sf --unix-socket $0/socket -o /dev/null http://x/conf; do sleep 0.05; done
    asked=
    for i in 1 2 3 4 5 6; do
      curl -sf --unix-socket $0/socket -H 'Accept-Encoding: gzip' -o /dev/null http://x/file & asked="$asked $!"
    done
    wait $asked; kill -QUIT $(cat $0/pid); wait)");
  check_whole_program(report, "nginx", 20 * kPagesOfMib);
  CHECK(pages_below(report, "ngx_worker_process_cycle") + pages_below(report, "ngx_master_process_cycle") >=
        20 * kPagesOfMib);
}

// But for its WAL: the writer is forked in a signal's handler of the first process, deeper than what is
// copied.
TEST_CASE("stacks of PostgreSQL are whole", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  Process prepared({{"/bin/sh", "-ec", R"(
      mkdir $0/data; chown -R postgres $0
      setpriv --reuid postgres --regid postgres --clear-groups \
        $(ls -d /usr/lib/postgresql/*/bin/initdb) -D $0/data -A trust -N)",
                     dir.path().string()},
                    nullptr,
                    {}});
  const int code = prepared.wait();
  INFO(prepared.out() << prepared.err());
  REQUIRE(code == 0);
  const Json report = record_script(dir, R"(
    as='setpriv --reuid postgres --regid postgres --clear-groups'
    $as $(ls -d /usr/lib/postgresql/*/bin/postgres) -D $0/data -k $0 -h '' -c fsync=off -c autovacuum=off >$0/log 2>&1 &
    until $as psql -h $0 -c 'select 1' postgres >/dev/null 2>&1; do sleep 0.05; done
    $as psql -h $0 -q postgres -c "set work_mem='256MB'" \
      -c "select count(*) from (select md5(i::text) from generate_series(1, 200000) i order by 1) a" \
      -c "create temp table t as select i, md5(i::text) m from generate_series(1, 200000) i" >/dev/null
    kill -INT $(head -1 $0/data/postmaster.pid); wait)");
  // The helpers that its signal handler forks lie deeper in the stack than what is copied of it.
  check_whole_program(report, "postgres", 40 * kPagesOfMib, 15);
  CHECK(pages_below(report, "standard_ExecutorRun") >= 10 * kPagesOfMib);
}

// A JIT's code has names if it writes them down; else memspike says how it would.
TEST_CASE("Node.js without a perf map is told which option would help", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  // Its own code touches the pages: what a heap's growth is charged to, V8's collector or the code that fills
  // it, is a matter of luck.
  const std::string program = R"(
    function fillTheCache(to, from, n) { for (let i = 0; i < n; ++i) to[from + i * 64] = i; }
    const small = new Uint8Array(1 << 20); for (let i = 0; i < 300; ++i) fillTheCache(small, 0, 16384);
    const cache = new Uint8Array(64 << 20); for (let i = 0; i < 64; ++i) fillTheCache(cache, i << 20, 16384);
    setTimeout(() => {}, 300);)";
  const auto record = [&](const std::string& option) {
    const TempDir dir;
    write_file(dir / "app.js", program);
    return record_script(dir, "cd $0; exec node " + option + " app.js");
  };
  const Json plain = record("");
  INFO(plain.at("notes").dump());
  CHECK(plain.at("notes").dump().find("--perf-basic-prof") != std::string::npos);
  CHECK(pages_below(plain, "fillTheCache") == 0);
  const Json named = record("--perf-basic-prof");
  INFO(named.at("notes").dump() << named.at("stacks").dump().substr(0, 4000));
  CHECK(named.at("notes").dump().find("--perf-basic-prof") == std::string::npos);
  CHECK(pages_below(named, "fillTheCache") > 32 * kPagesOfMib);
  CHECK(pages_below(named, "Builtins_InterpreterEntryTrampoline") > 32 * kPagesOfMib);
}
