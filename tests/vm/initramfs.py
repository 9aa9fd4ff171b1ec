"""Builds the guest's root file system: a cpio archive ("newc") made of files of the host."""

import os
import re
import stat
import struct
import subprocess
from pathlib import Path


class InitramfsError(Exception):
    """A file that the guest needs cannot be had."""


def shared_libraries(path):
    """Absolute paths of the libraries and the loader that `path` needs; empty when it needs none."""
    with open(path, "rb") as file:
        start = file.read(20)
    if start[:4] != b"\x7fELF":
        return []
    with open("/proc/self/exe", "rb") as file:
        is_foreign = file.read(20)[18:] != start[18:]  # e_machine
    if is_foreign:
        if _has_interpreter(path):
            raise InitramfsError(f"{path} is of another architecture, and needs libraries")
        return []
    result = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
    if result.returncode != 0:  # "not a dynamic executable"
        return []
    missing = re.findall(r"^\s*(\S+) => not found", result.stdout, re.MULTILINE)
    if missing:
        raise InitramfsError(f"{path} needs {', '.join(missing)}, which this host does not have")
    return re.findall(r"(/\S+) \(0x[0-9a-f]+\)$", result.stdout, re.MULTILINE)


def _has_interpreter(path):
    """Whether an ELF file of 64 bits and the host's byte order asks for a loader (PT_INTERP)."""
    content = Path(path).read_bytes()
    headers, size, count = struct.unpack_from("=Q", content, 32)[0], *struct.unpack_from("=HH", content, 54)
    return any(struct.unpack_from("=I", content, headers + number * size)[0] == 3 for number in range(count))


class Initramfs:
    """Collects entries by guest path and writes them as one archive."""

    def __init__(self):
        self._entries = {}  # guest path without the leading slash → (mode, device numbers, content)

    def add_directory(self, guest_path):
        name = guest_path.strip("/")
        parts = name.split("/") if name else []
        for end in range(1, len(parts) + 1):
            self._entries.setdefault("/".join(parts[:end]), (stat.S_IFDIR | 0o755, (0, 0), b""))

    def add_content(self, guest_path, content, mode=0o644):
        self._add(guest_path, stat.S_IFREG | mode, content)

    def add_device(self, guest_path, major, minor):
        self._add(guest_path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def add(self, host_path, guest_path):
        """Adds a file (with the libraries it needs) or a directory with all that is below it."""
        host_path = Path(host_path)
        if host_path.is_dir():
            self.add_directory(guest_path)
            for child in sorted(host_path.iterdir()):
                self._add_child(child, f"{guest_path.rstrip('/')}/{child.name}")
        elif host_path.is_file():
            mode = 0o755 if os.access(host_path, os.X_OK) else 0o644
            self.add_content(guest_path, host_path.read_bytes(), mode)
            for library in shared_libraries(host_path):
                self.add_content(library, Path(library).read_bytes(), 0o755)
        else:
            raise InitramfsError(f"{host_path}: no such file")

    def write(self, path):
        with open(path, "wb") as file:
            for inode, (name, (mode, device, content)) in enumerate(self._entries.items(), start=1):
                file.write(_record(name, inode, mode, device, content))
            file.write(_record("TRAILER!!!", 0, 0, (0, 0), b""))

    def _add_child(self, child, guest_path):
        if child.is_symlink():
            self._add(guest_path, stat.S_IFLNK | 0o777, os.readlink(child).encode())
        else:
            self.add(child, guest_path)

    def _add(self, guest_path, mode, content, device=(0, 0)):
        self.add_directory(os.path.dirname(guest_path))
        self._entries[guest_path.strip("/")] = (mode, device, content)


def _record(name, inode, mode, device, content):
    encoded = name.encode() + b"\0"
    links, owner, mtime, archive_device, checksum = 1, 0, 0, 0, 0
    fields = (inode, mode, owner, owner, links, mtime, len(content), archive_device, archive_device,
              *device, len(encoded), checksum)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return _padded(header) + _padded(content)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
