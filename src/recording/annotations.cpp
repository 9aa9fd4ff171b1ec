#include "recording/annotations.h"

#include "recording/perfetto.h"
#include "recording/utf8.h"

namespace memspike::recording {
namespace {

namespace debug_annotation = perfetto::debug_annotation;

void write_value(protozero::pbf_writer& annotation, const Value& value);

void write_entry(protozero::pbf_writer& parent, perfetto::Tag tag, const std::string* name,
                 const Value& value) {
  protozero::pbf_writer annotation(parent, tag);
  if (name != nullptr) annotation.add_string(debug_annotation::kName, *name);
  write_value(annotation, value);
}

struct ValueWriter {
  protozero::pbf_writer& annotation;

  void operator()(bool data) const { annotation.add_bool(debug_annotation::kBool, data); }
  void operator()(std::uint64_t data) const { annotation.add_uint64(debug_annotation::kUint, data); }
  void operator()(std::int64_t data) const { annotation.add_int64(debug_annotation::kInt, data); }
  void operator()(const std::string& data) const {
    annotation.add_string(debug_annotation::kString, to_utf8(data));
  }
  void operator()(const Dict& dict) const {
    for (const auto& [name, value] : dict)
      write_entry(annotation, debug_annotation::kDictEntry, &name, value);
  }
  void operator()(const Array& array) const {
    for (const Value& value : array) write_entry(annotation, debug_annotation::kArrayValue, nullptr, value);
  }
};

void write_value(protozero::pbf_writer& annotation, const Value& value) {
  std::visit(ValueWriter{annotation}, value.data);
}

}  // namespace

void write_annotations(protozero::pbf_writer& track_event, const Dict& dict) {
  for (const auto& [name, value] : dict) {
    write_entry(track_event, perfetto::track_event::kDebugAnnotation, &name, value);
  }
}

Member read_annotation(protozero::pbf_reader annotation, int depth) {
  if (depth > kMaxDepth) throw protozero::invalid_length_exception();
  std::string name;
  // An annotation without a value is an empty dictionary or array: which of the two does not matter.
  Value value{Array{}};
  while (annotation.next()) {
    // With its type: what somebody tampered with may have a number where text belongs.
    switch (annotation.tag_and_type()) {
      case protozero::tag_and_type(debug_annotation::kName, protozero::pbf_wire_type::length_delimited):
        name = annotation.get_string();
        break;
      case protozero::tag_and_type(debug_annotation::kBool, protozero::pbf_wire_type::varint):
        value.data = annotation.get_bool();
        break;
      case protozero::tag_and_type(debug_annotation::kUint, protozero::pbf_wire_type::varint):
        value.data = annotation.get_uint64();
        break;
      case protozero::tag_and_type(debug_annotation::kInt, protozero::pbf_wire_type::varint):
        value.data = annotation.get_int64();
        break;
      case protozero::tag_and_type(debug_annotation::kString, protozero::pbf_wire_type::length_delimited):
        value.data = from_utf8(annotation.get_string());
        break;
      case protozero::tag_and_type(debug_annotation::kDictEntry, protozero::pbf_wire_type::length_delimited):
        if (!std::holds_alternative<Dict>(value.data)) value.data = Dict{};
        std::get<Dict>(value.data).push_back(read_annotation(annotation.get_message(), depth + 1));
        break;
      case protozero::tag_and_type(debug_annotation::kArrayValue, protozero::pbf_wire_type::length_delimited):
        if (!std::holds_alternative<Array>(value.data)) value.data = Array{};
        std::get<Array>(value.data).push_back(read_annotation(annotation.get_message(), depth + 1).value);
        break;
      default:
        annotation.skip();
    }
  }
  return {std::move(name), std::move(value)};
}

}  // namespace memspike::recording
