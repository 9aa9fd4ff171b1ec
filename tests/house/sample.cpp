// Does what the protections are there for: an array on the stack, and a copy whose size is known only when it
// runs.
#include <cstdio>
#include <cstring>

int main(int, char** arguments) {
  char name[64];
  std::strncpy(name, arguments[0], sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  std::snprintf(name, std::strlen(arguments[0]), "%s", arguments[0]);
  return std::puts(name) < 0 ? 1 : 0;
}
