"""What is in a memspike that was built by the preset `ship`, told by the linker's map, the compilers' lists of headers
and dpkg: linked.json, and the copyright file of each package, in --into.

  archive   objects of a static library of that package are in it
  headers   templates and inline functions of that package are in it
  tool      compiled, linked or assembled it
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess

TOOLS = ("gcc", "g++", "binutils")  # for another architecture they have its triplet in their names
OWN_TOOLS = ("clang", "bpftool", "cmake", "ninja-build")
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# What cannot be installed for two architectures: PACKAGE/ holds that of the other one (tools/install-deps --arm64).
UNPACKED = pathlib.Path("/usr/local/lib/memspike-arm64")
# Debian's machine-readable names of licences, where SPDX has another one. Others are told as Debian tells them.
SPDX = {
    "Expat": "MIT", "Zlib": "Zlib", "zlib": "Zlib", "BSD-3-clause": "BSD-3-Clause", "BSD-2-clause": "BSD-2-Clause",
    "BSD-2-Clause": "BSD-2-Clause", "GPL-2": "GPL-2.0-only", "GPL-2+": "GPL-2.0-or-later", "GPL-3+": "GPL-3.0-or-later",
    "LGPL-2.1": "LGPL-2.1-only", "LGPL-3+": "LGPL-3.0-or-later", "CC0-1.0": "CC0-1.0", "Apache-2.0": "Apache-2.0",
}

# Where `Files: *` is not about what is linked in, or the file is not for programs.
KNOWN = {
    "elfutils": "LGPL-3.0-or-later OR GPL-2.0-or-later", "glibc": "LGPL-2.1-or-later", "bzip2": "bzip2-1.0.6",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1", "fmtlib": "MIT", "linux": "GPL-2.0-only WITH Linux-syscall-note",
    "gcc-12-cross": "GPL-3.0-or-later WITH GCC-exception-3.1",
    # Headers of glibc and of Linux.
    "cross-toolchain-base": "LGPL-2.1-or-later AND GPL-2.0-only WITH Linux-syscall-note",
}


def output_of(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


def packages_of(files):
    """Those that own the files; what no package owns is memspike's own, or was generated."""
    files = sorted({str(pathlib.Path(file).resolve()) for file in files})
    names = {path.relative_to(UNPACKED).parts[0] for path in map(pathlib.Path, files) if path.is_relative_to(UNPACKED)}
    for start in range(0, len(files), 500):
        for line in output_of("dpkg-query", "-S", *files[start:start + 500], check=False).splitlines():
            owners, _, path = line.partition(": ")
            if path.startswith("/") and not line.startswith("diversion"):
                names.update(owner.split(":")[0] for owner in owners.split(", "))
    return names


def archives(build):
    """Static libraries of which the linker took something."""
    text = (build / "src/memspike.map").read_text(errors="replace")
    loaded = text.partition("Memory Configuration")[0]
    return re.findall(r"^(/\S+\.a)\(", loaded, re.MULTILINE) + re.findall(r"^LOAD (/\S+\.o)$", text, re.MULTILINE)


def headers(build):
    """Below /usr, of what is compiled into memspike."""
    found, ours = set(), False
    for line in output_of("ninja", "-C", str(build), "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            ours = line.startswith(("src/", "CMakeFiles/memspike_headers"))
        elif ours and line.strip().startswith("/usr/"):
            found.add(line.strip())
    return found


def licence_of(copyright_file):
    """The licence of `Files: *`, by SPDX where it has a name for it; None where the file is not for programs."""
    text = copyright_file.read_text(errors="replace")
    if not text.startswith("Format:"):
        return None
    for stanza in re.split(r"\n\s*\n", text):
        if re.search(r"^Files:\s*\*\s*$", stanza, re.MULTILINE):
            found = re.search(r"^License:[ \t]*(\S.*)$", stanza, re.MULTILINE)
            return found and found.group(1).strip()
    return None


def as_spdx(licence):
    words = [word for word in re.split(r"\s+", licence or "")]
    known = [{"or": "OR", "and": "AND"}.get(word, SPDX.get(word)) for word in words]
    return " ".join(known) if licence and all(known) else "NOASSERTION"


def describe(name, how, target):
    of_target = f"{name}:{target}"
    known = output_of("dpkg-query", "-W", "-f", "${db:Status-Status}", of_target, check=False) == "installed"
    form = "${Version}\\n${Architecture}\\n${source:Package}\\n${source:Version}\\n${Homepage}\\n${Maintainer}\\n"
    version, architecture, source, source_version, homepage, maintainer = \
        output_of("dpkg-query", "-W", "-f", form, of_target if known else name).split("\n")[:6]
    if how == "archive" and architecture != "all":
        architecture = target  # also of what is unpacked: the same version
    licence = licence_of(pathlib.Path("/usr/share/doc") / name / "copyright")
    return {"name": name, "how": how, "version": version, "architecture": architecture, "source": source,
            "source_version": source_version, "homepage": homepage, "maintainer": maintainer,
            "licence": KNOWN.get(source) or as_spdx(licence), "licence_by_debian": licence or ""}


def tools_for(target):
    suffix = "" if target == output_of("dpkg", "--print-architecture").strip() else "-" + TRIPLETS[target]
    return [tool + suffix for tool in TOOLS] + list(OWN_TOOLS)


def of_npm(build):
    """What the HTML report inlines."""
    lock = json.loads((build / "src/views/html/npm/package-lock.json").read_text())
    for path, package in sorted(lock["packages"].items()):
        if path:
            yield {"name": path.removeprefix("node_modules/"), "how": "npm", "version": package["version"],
                   "licence": package["license"], "integrity": package["integrity"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--architecture", choices=TRIPLETS, required=True)
    parser.add_argument("--into", type=pathlib.Path, required=True)
    options = parser.parse_args()
    linked = packages_of(archives(options.build))
    included = packages_of(headers(options.build)) - linked
    tools = [tool for tool in tools_for(options.architecture)
             if output_of("dpkg-query", "-W", "-f", "${Version}", tool, check=False)]
    parts = [describe(name, how, options.architecture)
             for how, names in (("archive", sorted(linked)), ("headers", sorted(included)), ("tool", tools)) for name in names]
    copyrights = options.into / "linked"
    shutil.rmtree(copyrights, ignore_errors=True)
    copyrights.mkdir(parents=True)
    for part in parts:
        if part["how"] != "tool":
            shutil.copyfile(f"/usr/share/doc/{part['name']}/copyright", copyrights / f"{part['name']}.copyright")
    parts += of_npm(options.build)
    shutil.copyfile(options.build / "src/views/html/npm/node_modules/uplot/LICENSE", copyrights / "uplot.copyright")
    (options.into / "linked.json").write_text(json.dumps(parts, indent=1) + "\n")
    built = ", ".join(sorted({f"{part['source']} (= {part['source_version']})" for part in parts
                              if part["how"] in ("archive", "headers")}))
    (options.into / "substvars").write_text(f"memspike:Built-Using={built}\n")


main()
