#include "symbols/rust_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxLength = 4096;  // of what is printed
constexpr int kMaxDepth = 64;
constexpr int kMaxSteps = 20'000;  // a back reference may stand for as much as all before it

// https://doc.rust-lang.org/rustc/symbol-mangling/v0.html, as far as a reader of stacks wants it: crates
// without their hashes, no lifetimes.
class V0 {
 public:
  explicit V0(std::string_view text) : text_(text) {}

  std::optional<std::string> demangle() {
    path(true);
    if (failed_ || out_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  char next() {
    if (at_end() || ++steps_ > kMaxSteps) failed_ = true;
    return failed_ ? '\0' : text_[at_++];
  }
  bool eat(char wanted) {
    if (peek() != wanted || failed_) return false;
    next();
    return true;
  }

  void print(std::string_view text) {
    if (silent_ > 0) return;
    if (out_.size() + text.size() > kMaxLength) failed_ = true;
    if (!failed_) out_ += text;
  }

  // "_" is 0, "0_" 1, …
  std::uint64_t base62() {
    if (eat('_')) return 0;
    std::uint64_t value = 0;
    for (char c = next(); c != '_' && !failed_; c = next()) {
      unsigned digit = 62;
      if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
      if (c >= 'a' && c <= 'z') digit = static_cast<unsigned>(c - 'a') + 10;
      if (c >= 'A' && c <= 'Z') digit = static_cast<unsigned>(c - 'A') + 36;
      if (digit == 62 || value > UINT64_MAX / 62 - 1) failed_ = true;
      value = value * 62 + digit;
    }
    return value + 1;
  }

  std::uint64_t disambiguator() { return eat('s') ? base62() + 1 : 0; }

  std::uint64_t decimal() {
    std::uint64_t value = 0;
    if (peek() < '0' || peek() > '9') failed_ = true;
    if (eat('0')) return 0;
    while (!failed_ && peek() >= '0' && peek() <= '9' && value < 1'000'000)
      value = value * 10 + static_cast<std::uint64_t>(next() - '0');
    return value;
  }

  // Identifiers in Punycode are shown as they are written.
  std::string_view identifier() {
    const bool is_unicode = eat('u');
    (void)is_unicode;
    const std::uint64_t length = decimal();
    eat('_');
    if (failed_ || length > text_.size() - at_) {
      failed_ = true;
      return {};
    }
    const std::string_view name = text_.substr(at_, length);
    at_ += length;
    return name;
  }

  // What follows stands somewhere before.
  template <class Read>
  void back_reference(Read read) {
    const std::size_t begin = at_ - 1;
    const std::uint64_t target = base62();
    if (failed_ || target >= begin) {
      failed_ = true;
      return;
    }
    if (silent_ > 0) return;
    const std::size_t back = std::exchange(at_, static_cast<std::size_t>(target));
    read();
    at_ = back;
  }

  struct Depth {
    explicit Depth(V0& of) : of_(of) {
      if (++of_.depth_ > kMaxDepth) of_.failed_ = true;
    }
    ~Depth() { --of_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    V0& of_;
  };

  // `in_value`: generic arguments are written "::<…>".
  void path(bool in_value) {
    const Depth depth(*this);
    if (failed_) return;
    switch (const char kind = next()) {
      case 'C':
        disambiguator();
        print(identifier());
        return;
      case 'M':
      case 'X':
        ++silent_;  // where the impl stands
        disambiguator();
        path(false);
        --silent_;
        [[fallthrough]];
      case 'Y':
        print("<");
        type();
        if (kind != 'M') {
          print(" as ");
          path(false);
        }
        print(">");
        return;
      case 'N':
        return nested(in_value);
      case 'I':
        path(in_value);
        print(in_value ? "::<" : "<");
        list([this] { generic_argument(); });
        print(">");
        return;
      case 'B':
        return back_reference([this, in_value] { path(in_value); });
      default:
        failed_ = true;
    }
  }

  void nested(bool in_value) {
    const char space = next();
    path(in_value);
    const std::uint64_t number = disambiguator();
    const std::string_view name = identifier();
    if (space >= 'A' && space <= 'Z') {
      const std::string what = space == 'C' ? "closure" : space == 'S' ? "shim" : std::string(1, space);
      print(fmt::format("::{{{}{}{}#{}}}", what, name.empty() ? "" : ":", name, number));
    } else if (!name.empty()) {
      print("::");
      print(name);
    }
  }

  template <class Read>
  void list(Read read) {
    for (bool is_first = true; !failed_ && !eat('E'); is_first = false) {
      if (!is_first) print(", ");
      read();
    }
  }

  void generic_argument() {
    if (eat('L')) {
      base62();
      print("'_");
    } else if (eat('K')) {
      constant();
    } else {
      type();
    }
  }

  static std::string_view basic_type(char code) {
    static constexpr std::array<std::pair<char, std::string_view>, 21> kTypes{
        {{'a', "i8"},   {'b', "bool"},  {'c', "char"},  {'d', "f64"}, {'e', "str"}, {'f', "f32"},
         {'h', "u8"},   {'i', "isize"}, {'j', "usize"}, {'l', "i32"}, {'m', "u32"}, {'n', "i128"},
         {'o', "u128"}, {'p', "_"},     {'s', "i16"},   {'t', "u16"}, {'u', "()"},  {'v', "..."},
         {'x', "i64"},  {'y', "u64"},   {'z', "!"}}};
    const auto* found =
        std::find_if(kTypes.begin(), kTypes.end(), [code](const auto& each) { return each.first == code; });
    return found == kTypes.end() ? std::string_view() : found->second;
  }

  void type() {
    const Depth depth(*this);
    if (failed_) return;
    const char kind = peek();
    if (const std::string_view basic = basic_type(kind); !basic.empty()) {
      next();
      return print(basic);
    }
    switch (kind) {
      case 'A':
      case 'S':
        next();
        print("[");
        type();
        if (kind == 'A') {
          print("; ");
          constant();
        }
        return print("]");
      case 'T':
        next();
        print("(");
        list([this] { type(); });
        return print(")");
      case 'R':
      case 'Q':
        next();
        if (eat('L')) base62();
        print(kind == 'R' ? "&" : "&mut ");
        return type();
      case 'P':
      case 'O':
        next();
        print(kind == 'P' ? "*const " : "*mut ");
        return type();
      case 'F':
        next();
        return function();
      case 'D':
        next();
        return dynamic();
      case 'B':
        next();
        return back_reference([this] { type(); });
      default:
        return path(false);
    }
  }

  void function() {
    if (eat('G')) base62();
    if (eat('U')) print("unsafe ");
    if (eat('K')) {
      print("extern ");
      if (eat('C')) {
        print("\"C\" ");
      } else {
        identifier();
      }
    }
    print("fn(");
    list([this] { type(); });
    print(")");
    if (eat('u')) return;
    print(" -> ");
    type();
  }

  void dynamic() {
    if (eat('G')) base62();
    print("dyn ");
    for (bool is_first = true; !failed_ && !eat('E'); is_first = false) {
      if (!is_first) print(" + ");
      path(false);
      while (!failed_ && eat('p')) {
        print("<");
        print(identifier());
        print(" = ");
        type();
        print(">");
      }
    }
    if (eat('L')) base62();
  }

  void constant() {
    const Depth depth(*this);
    if (failed_) return;
    if (eat('B')) return back_reference([this] { constant(); });
    if (eat('p')) return print("_");
    ++silent_;
    type();
    --silent_;
    if (eat('n')) print("-");
    std::uint64_t value = 0;
    for (char c = next(); c != '_' && !failed_; c = next()) {
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit && (c < 'a' || c > 'f')) failed_ = true;
      value = value * 16 + static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
    }
    print(std::to_string(value));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  int depth_ = 0;
  int steps_ = 0;
  int silent_ = 0;
  bool failed_ = false;
};

bool is_hash(std::string_view part) {
  return part.size() == 17 && part[0] == 'h' && std::all_of(part.begin() + 1, part.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "$LT$" is "<", "$u7b$" is "{". "": it is something else.
std::string escape_of(std::string_view code) {
  static constexpr std::array<std::pair<std::string_view, char>, 8> kCodes{{{"SP", '@'},
                                                                            {"BP", '*'},
                                                                            {"RF", '&'},
                                                                            {"LT", '<'},
                                                                            {"GT", '>'},
                                                                            {"LP", '('},
                                                                            {"RP", ')'},
                                                                            {"C", ','}}};
  for (const auto& [name, sign] : kCodes) {
    if (code == name) return std::string(1, sign);
  }
  if (code.size() != 3 || code[0] != 'u') return {};
  unsigned value = 0;
  for (const char c : code.substr(1)) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return {};
    value = value * 16 + static_cast<unsigned>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return value >= 0x20 && value < 0x7f ? std::string(1, static_cast<char>(value)) : std::string();
}

}  // namespace

std::optional<std::string> demangle_rust(std::string_view mangled) {
  if (!mangled.starts_with("_R") || mangled.size() > kMaxLength) return std::nullopt;
  mangled.remove_prefix(2);
  mangled = mangled.substr(0, mangled.find('.'));  // ".llvm.1234" is the compiler's
  const bool is_symbol = !mangled.empty() && mangled[0] >= 'A' && mangled[0] <= 'Z';
  return is_symbol ? V0(mangled).demangle() : std::nullopt;
}

std::optional<std::string> tidy_legacy_rust(std::string_view demangled) {
  const auto last = demangled.rfind("::");
  if (last == std::string_view::npos || !is_hash(demangled.substr(last + 2))) return std::nullopt;
  demangled = demangled.substr(0, last);
  std::string text;
  for (std::size_t i = 0; i < demangled.size();) {
    const bool begins_part = i == 0 || (i >= 2 && demangled.substr(i - 2, 2) == "::");
    if (begins_part && demangled.substr(i, 2) == "_$") ++i;
    if (demangled.substr(i, 2) == "..") {
      text += "::";
      i += 2;
      continue;
    }
    const auto end = demangled[i] == '$' ? demangled.find('$', i + 1) : std::string_view::npos;
    const std::string sign =
        end == std::string_view::npos ? std::string() : escape_of(demangled.substr(i + 1, end - i - 1));
    text += sign.empty() ? std::string(1, demangled[i]) : sign;
    i = sign.empty() ? i + 1 : end + 1;
  }
  return text;
}

}  // namespace memspike::symbols
