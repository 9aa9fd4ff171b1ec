// A recording as an independent reader of Perfetto's format sees it: protoc, by a schema of the
// few messages used.
#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <protozero/pbf_reader.hpp>
#include <sstream>

#include "../unit/recording_facts.h"
#include "golden.h"

using namespace memspike;

namespace {

// The packets within the compressed packets.
std::string inflate_all(const std::string& bytes) {
  std::string all;
  protozero::pbf_reader trace(bytes);
  while (trace.next(1)) {
    protozero::pbf_reader packet = trace.get_message();
    REQUIRE(packet.next(50));
    const auto compressed = packet.get_view();
    std::string block(1U << 20, '\0');
    uLongf size = block.size();
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(block.data()), &size,
                       reinterpret_cast<const Bytef*>(compressed.data()), compressed.size()) == Z_OK);
    all.append(block, 0, size);
  }
  return all;
}

std::string decode_with_protoc(const std::string& trace) {
  char dir[] = "/tmp/memspike-golden-XXXXXX";
  REQUIRE(mkdtemp(dir) != nullptr);
  const std::string in = std::string(dir) + "/trace";
  const std::string out = std::string(dir) + "/text";
  std::ofstream(in, std::ios::binary) << trace;
  const std::string command = std::string("protoc --proto_path=") + MEMSPIKE_PROTO_DIR +
                              " --decode=perfetto.protos.Trace perfetto_subset.proto <" + in + " >" + out;
  REQUIRE(std::system(command.c_str()) == 0);
  std::stringstream text;
  text << std::ifstream(out).rdbuf();
  std::remove(in.c_str());
  std::remove(out.c_str());
  rmdir(dir);
  return text.str();
}

}  // namespace

TEST_CASE("a recording is a Perfetto trace that protoc reads") {
  const std::string text = decode_with_protoc(inflate_all(facts::record(facts::story())));
  // protoc shows a field that its schema does not know by its number.
  for (const char digit : std::string("123456789")) {
    CHECK(text.find(std::string("\n  ") + digit) == std::string::npos);
  }
  golden::check_golden("recording.txtpb", text);
}
