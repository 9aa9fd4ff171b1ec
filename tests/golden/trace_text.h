// A recording as protoc, an independent reader, sees it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace memspike::golden {

// The trace without compression, as protoc prints it by a schema of the few messages used.
std::string decode_with_protoc(const std::string& recording);

struct Message;

// What protoc prints, as a tree.
struct Node {
  std::vector<std::pair<std::string, std::string>> values;
  std::vector<Message> messages;

  // "": there is none.
  std::string value(const std::string& name) const;
  std::vector<std::string> values_of(const std::string& name) const;
  unsigned long long number(const std::string& name) const;  // 0: there is none
  const Node* message(const std::string& name) const;        // nullptr: there is none
};
struct Message {
  std::string name;
  Node content;
};
Node parse_text(const std::string& text);

}  // namespace memspike::golden
