#include "trace_text.h"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <protozero/pbf_reader.hpp>
#include <sstream>

namespace memspike::golden {
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

// Until the end of the message that is being read.
Node parse_message(std::istream& lines) {
  Node node;
  std::string line;
  while (std::getline(lines, line)) {
    line.erase(0, line.find_first_not_of(' '));
    if (line == "}") break;
    if (line.size() > 2 && line.substr(line.size() - 2) == " {") {
      const std::string name = line.substr(0, line.size() - 2);
      node.messages.push_back({name, parse_message(lines)});
      continue;
    }
    const auto colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    node.values.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return node;
}

}  // namespace

std::string decode_with_protoc(const std::string& recording) {
  char dir[] = "/tmp/memspike-golden-XXXXXX";
  REQUIRE(mkdtemp(dir) != nullptr);
  const std::string in = std::string(dir) + "/trace";
  const std::string out = std::string(dir) + "/text";
  std::ofstream(in, std::ios::binary) << inflate_all(recording);
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

std::string Node::value(const std::string& name) const {
  const auto all = values_of(name);
  return all.empty() ? std::string() : all.front();
}

std::vector<std::string> Node::values_of(const std::string& name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : values) {
    if (key == name) found.push_back(value);
  }
  return found;
}

unsigned long long Node::number(const std::string& name) const {
  const std::string text = value(name);
  return text.empty() ? 0 : std::stoull(text);
}

const Node* Node::message(const std::string& name) const {
  for (const auto& [key, node] : messages) {
    if (key == name) return &node;
  }
  return nullptr;
}

Node parse_text(const std::string& text) {
  std::istringstream lines(text);
  return parse_message(lines);
}

}  // namespace memspike::golden
