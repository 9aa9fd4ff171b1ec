// Programs that are run again at the limit that was advised for them live.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

struct Program {
  const char* name;
  std::string needs;    // a program that must be there
  std::string prepare;  // a shell's line
  std::string run;
  std::string limit;  // to be measured at
};

bool is_there(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

// Each does with memory what its kind does: grows by pages, by doubling, by collecting, by mapping files.
std::vector<Program> programs() {
  const std::string java = R"(cat > Main.java <<'EOS'
public class Main {
  public static void main(String[] a) throws Exception {
    java.util.List<byte[]> kept = new java.util.ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      kept.add(new byte[64 * 1024]);
      if (kept.size() > 400) kept.clear();
    }
    System.out.println(kept.size());
  }
}
EOS
javac Main.java)";
  const std::string go = R"(cat > main.go <<'EOS'
package main
func main() {
  var kept [][]byte
  for i := 0; i < 2000; i++ {
    b := make([]byte, 64<<10)
    for j := range b { b[j] = 1 }
    kept = append(kept, b)
    if len(kept) > 400 { kept = nil }
  }
  println(len(kept))
}
EOS
GOFLAGS=-mod=mod GOCACHE=$PWD/cache GO111MODULE=off go build -o main-go main.go)";
  // It refuses to be root.
  const std::string as_postgres = "setpriv --reuid=postgres --regid=postgres --clear-groups ";
  const std::string database = "mkdir data && chmod 711 . && chown postgres . data && " + as_postgres +
                               R"(initdb -D data >initdb.log && cat >query.sql <<'EOS'
drop table if exists t;
create table t as select x as a, (x*7919)%300007 as b from generate_series(1,200000) x;
create index i on t(b);
select count(*) from (select * from t order by b desc, a) s;
EOS
)";
  return {
      {"python3", "python3", "true",
       "python3 -c \"x=[bytes(1<<20) for i in range(60)]; y=b''.join(x); del y\"", "512Mi"},
      {"sort", "sort", "seq 300000 | awk '{print $1*7919%300007, $1}' > numbers",
       "sort -S 40M -o sorted numbers", "512Mi"},
      {"awk", "awk", "true", "awk 'BEGIN{for(i=0;i<400000;i++)a[i]=i\"x\";print length(a)}'", "512Mi"},
      {"g++", "g++",
       "printf '#include <regex>\\n#include <map>\\nint main(){return "
       "std::regex_match(\"a\",std::regex(\"a\"))?0:1;}\\n' > t.cpp",
       "g++ -O1 -c t.cpp -o t.o", "1Gi"},
      {"sqlite3", "sqlite3", "true",
       "sqlite3 :memory: 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c "
       "where "
       "x<300000) insert into t select x, x*7919%300007 from c; create index i on t(b); select count(*) from "
       "t;'",
       "512Mi"},
      {"node", "node", "true",
       "node -e \"let k=[];for(let "
       "i=0;i<2000;i++){k.push(Buffer.alloc(65536,1));if(k.length>400)k=[]};console.log(k.length)\"",
       "512Mi"},
      {"node, told", "node", "true",
       "node --max-old-space-size=96 -e \"let k=[];for(let "
       "i=0;i<3000000;i++){k.push({i});if(k.length>600000)k=[]};console.log(k.length)\"",
       "1Gi"},
      {"JVM, told", "javac", java, "java -Xmx80m -cp . Main", "1Gi"},
      {"JVM, not told", "javac", java, "java -cp . Main", "160Mi"},
      {"Go", "go", go, "./main-go", "512Mi"},
      {"Go, told", "go", go, "GOMEMLIMIT=64MiB ./main-go", "512Mi"},
      {"postgres", "initdb", database, as_postgres + "postgres --single -D data postgres <query.sql", "1Gi"},
      {"ffmpeg", "ffmpeg", "true",
       "ffmpeg -v error -f lavfi -i testsrc=duration=3:size=1280x720:rate=25 -c:v libx264 -y out.mp4", "1Gi"},
      {"tar", "tar", "true", "tar cf archive.tar /usr/share/perl 2>/dev/null; gzip -kf archive.tar", "1Gi"},
  };
}

int in_memspike(const TempDir& dir, const std::vector<std::string>& options, const std::string& line) {
  std::vector<std::string> arguments{memspike_path(), "run", "-q"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(),
                   {"--", "/bin/sh", "-c", "cd " + dir.path().string() + " && " + line + " >out 2>err"});
  Process process({arguments, nullptr, {}});
  return process.wait(120);
}

}  // namespace

TEST_CASE("programs that are run again at the advised limit live", "[advice][host]") {
  std::size_t tried = 0;
  std::map<std::string, TempDir> prepared;  // once for all that want the same
  for (const Program& program : programs()) {
    if (!is_there(program.needs)) {
      WARN(program.needs << " is not installed: " << program.name << " is not tried");
      continue;
    }
    ++tried;
    INFO(program.name);
    const auto [place, is_new] = prepared.try_emplace(program.prepare);
    const TempDir& dir = place->second;
    if (is_new) REQUIRE(std::system(("cd " + dir.path().string() + " && " + program.prepare).c_str()) == 0);
    const std::string json = (dir / "report.json").string();
    // As long as it takes to see its ups and downs: a garbage collector has no two runs alike.
    std::uint64_t limit_bytes = 0;
    for (int run = 0; run < 3; ++run) {
      REQUIRE(in_memspike(dir,
                          {"-f", "json", "-o", json, "--min-prominence", "1Mi", "--limit", program.limit},
                          program.run) == 0);
      const Json report = parse_report(read_file(json));
      const Json& advice = report.at("subjects").at(0).at("advice");
      REQUIRE(!advice.is_null());
      const std::uint64_t advised_bytes = counter(advice.at("limits").at(0), "limit_bytes");
      if (advice.at("request_bytes").is_number()) CHECK(counter(advice, "request_bytes") <= advised_bytes);
      limit_bytes = std::max(limit_bytes, advised_bytes);
    }
    INFO("advised " << limit_bytes);
    CHECK(in_memspike(
              dir, {"-o", (dir / "again").string(), "--fail-on-oom", "--limit", std::to_string(limit_bytes)},
              program.run) == 0);
    INFO(read_file(dir / "err"));
  }
  CHECK(tried >= 6);
}
