// Where the data goes: stdout, stderr or a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike::cli {

class Output {
 public:
  enum class Mode {
    whole,   // a document: a file of that name holds the one from before, or all of this one
    stream,  // rows as they come: they are in the file at once
  };

  // Makes sure at once that the file can be written, so that this is known before the recording and
  // not after it. Without a file: `default_fd`.
  //
  // A whole document goes into a temporary file beside the file, and takes its place when it is closed
  // (with its owner and mode): who reads the file meanwhile, as node_exporter does, never sees half
  // of it. That is for regular files with one name, there or not. Symbolic and hard links, devices,
  // pipes, and files in directories that may not be written are written as they are.
  static Result<Output> open(const std::optional<std::string>& file, int default_fd,
                             Mode mode = Mode::stream);

  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) noexcept;
  ~Output();

  // ErrorKind::failed: disk full, pipe closed.
  Result<void> write(std::string_view text);

  // What was written is on the disk: it outlives a power cut. Where there is no disk (a pipe, a terminal),
  // there is nothing to do. ErrorKind::failed: some of it, nobody knows how much, is not.
  Result<void> sync();

  // Closes a file, and puts a whole one in its place; some errors (quota, network file systems) show
  // only here. Without it a whole one is as if it had never been written.
  Result<void> close();

  int fd() const { return fd_; }  // -1 before the first write into a temporary file
  const std::string& name() const { return name_; }

  // Somebody reads what is written, at a pace of their own; else it is a file on a disk.
  bool has_reader() const;

 private:
  Output(int fd, bool owned, std::string name) : fd_(fd), owned_(owned), name_(std::move(name)) {}

  Result<void> put_in_place();
  Result<void> failure() const;

  int fd_;
  bool owned_;
  std::string name_;
  std::string temporary_;  // the file to be written in its place; empty: none
};

}  // namespace memspike::cli
