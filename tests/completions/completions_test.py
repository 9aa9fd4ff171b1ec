#!/usr/bin/env python3
"""What Tab does in real shells: bash and zsh at a terminal of their own, fish by its own question.

A stand-in for memspike lists two pods; nothing here needs root or a kernel.
"""
import argparse
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

LIST = """NAMESPACE  POD            UID                                   QOS        CONTAINER  ID
shop       checkout-7d9f  3f2a1b4c-6b7d-4e0a-9c35-d1e2f3a4b5c6  burstable  (pod)
shop       checkout-7d9f  3f2a1b4c-6b7d-4e0a-9c35-d1e2f3a4b5c6  burstable  app        9b1f0d5c4e7a
shop       checkout-7d9f  3f2a1b4c-6b7d-4e0a-9c35-d1e2f3a4b5c6  burstable  proxy      1c2d3e4f5a6b
shop       checkout-7d9f  3f2a1b4c-6b7d-4e0a-9c35-d1e2f3a4b5c6  burstable  (sandbox)  4d5e6f708192
batch      $(touch$IFS$HIT)  7be19d02-15c4-4f86-8a7b-0c9d8e7f6a5b  burstable  worker     5d5e6f708192
"""

# What is typed before Tab, and what is on the line then (bash, zsh) or offered (fish).
CASES = [
    ("memspike rec", "memspike record"),
    ("memspike help do", "memspike help doctor"),
    ("memspike report --fr", "memspike report --from"),
    ("memspike report -f js", "memspike report -f json"),
    ("memspike report --format=j", "memspike report --format=json"),
    ("memspike report night", "memspike report night.pftrace"),
    ("memspike report -f json night", "memspike report -f json night.pftrace"),
    ("memspike report --format=json night", "memspike report --format=json night.pftrace"),
    ("memspike record -o nigh", "memspike record -o night.pftrace"),
    ("memspike record --tier tr", "memspike record --tier tracepoint"),
    ("memspike record --pod sho", "memspike record --pod shop/checkout-7d9f"),
    ("memspike record --pod=sho", "memspike record --pod=shop/checkout-7d9f"),
    ("memspike record --pod-uid 3f2", "memspike record --pod-uid 3f2a1b4c-6b7d-4e0a-9c35-d1e2f3a4b5c6"),
    ("memspike record --pod shop/checkout-7d9f --container pr",
     "memspike record --pod shop/checkout-7d9f --container proxy"),
    ("memspike record sho", "memspike record shop/checkout-7d9f"),
    ("memspike record work", "memspike record worker"),
    ("memspike record --cgroup-root ROOT --cgroup /mems", "memspike record --cgroup-root ROOT --cgroup /memspike-test"),
    ("memspike record --cgroup-root ROOT --cgroup /memspike-test/in",
     "memspike record --cgroup-root ROOT --cgroup /memspike-test/inner"),
    ("memspike run -- only-her", "memspike run -- only-here"),
    ("memspike run only-her", "memspike run only-here"),
    ("memspike run --limit 50Mi -- only-her", "memspike run --limit 50Mi -- only-here"),
    ("memspike run --limit 50Mi only-here nigh", "memspike run --limit 50Mi only-here night.pftrace"),
    ("memspike run --fail-on", "memspike run --fail-on-oom"),
    ("memspike why sho", "memspike why shop/checkout-7d9f"),
    ("memspike serve --scope con", "memspike serve --scope containers"),
    ("memspike doctor --form", "memspike doctor --format"),
]


class Shell:
    """An interactive shell at a terminal."""

    PROMPT = "@@> "

    def __init__(self, arguments, setup, environment, directory):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(arguments[0], arguments, environment)
        self.send(setup + f"\nPS1='@@''> '\n")
        self.read_until(lambda text: text.endswith(self.PROMPT), 15)

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, is_done, seconds):
        text = ""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            text += os.read(self.fd, 65536).decode(errors="replace")
            if is_done(plain(text)):
                break
        return text

    def complete(self, typed):
        """The line after Tab, told by the shell itself: an argument list, printed in the place of memspike."""
        self.send(typed + "\t")
        time.sleep(0.4)
        self.send("\r")
        text = plain(self.read_until(lambda t: t.endswith(self.PROMPT) and "END" in t, 10))
        found = re.findall(r"RAN<(.*?)>END", text)
        return found[-1] if found else text

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def plain(text):
    return re.sub(r"\x1b[\[\]()][0-9;?]*[a-zA-Z]?|\x1b[=>]|\x07", "", text)


def fish_answer(typed, completions, environment, directory):
    script = f"source {completions}; complete -C {typed!r}"
    out = subprocess.run(["fish", "--no-config", "-c", script], env=environment, cwd=directory, text=True,
                         capture_output=True, check=False, timeout=60).stdout
    return [line.split("\t")[0] for line in out.splitlines()]


def make_place(directory):
    directory = pathlib.Path(directory)
    programs = directory / "bin"
    programs.mkdir()
    program = programs / "memspike"
    program.write_text("#!/bin/sh\nif [ \"$1\" = list ]; then cat <<'LIST'\n" + LIST +
                       "LIST\nelse printf 'RAN<memspike'; for a; do printf ' %s' \"$a\"; done; printf '>END\\n'; fi\n")
    program.chmod(0o755)
    (programs / "only-here").write_text("#!/bin/sh\n")
    (programs / "only-here").chmod(0o755)
    work = directory / "work"
    work.mkdir()
    (work / "night.pftrace").write_text("")
    (directory / "root" / "memspike-test" / "inner").mkdir(parents=True)
    return directory


def shells(completions, environment, directory):
    work = directory / "work"
    yield "bash", Shell(["bash", "--norc", "--noprofile", "-i"],
                        f"bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source {completions}/memspike.bash",
                        environment, work)
    yield "zsh", Shell(["zsh", "-f", "-i"],
                       f"fpath=({completions} $fpath); autoload -U compinit; compinit -u -D; "
                       "unsetopt beep list_beep; zstyle ':completion:*' list-prompt ''",
                       environment, work)


def forgotten(memspike, completions):
    """Options that --help names and a completion does not."""
    for command in ["record", "run", "report", "list", "doctor", "serve", "why", "kills", "last", "status"]:
        text = subprocess.run([memspike, command, "--help"], text=True, capture_output=True, check=True).stdout
        options = set(re.findall(r"^ +(?:-\w,)?--([a-z-]+)", text, re.MULTILINE))
        for name, pattern in [("memspike.bash", "--%s"), ("_memspike", "--%s"), ("memspike.fish", "-l %s")]:
            script = (completions / name).read_text()
            for option in sorted(options):
                if not re.search(re.escape(pattern % option) + r"(?![a-z-])", script):
                    yield f"{name} does not know --{option} of {command}"


def other_formats(memspike, completions):
    """Lists of formats that are not that of --help: it is made of the rows of src/cli/formats.cpp."""
    scripts = {name: " " for name in ["memspike.bash", "_memspike", "memspike.fish"]}
    places = {completions / name: between for name, between in scripts.items()}
    places[completions.parent / "man" / "memspike.8"] = " | "
    for command in ["record", "run", "report", "last"]:
        text = subprocess.run([memspike, command, "--help"], text=True, capture_output=True, check=True).stdout
        names = re.search(r"--format ([a-z|]+)", text).group(1).split("|")
        assert len(names) >= 7, names
        for place, between in places.items():
            if not re.search(r"(?<![a-z])" + re.escape(between.join(names)) + r"(?![a-z ]*pprof)", place.read_text()):
                yield f"{place.name} has no {between.join(names)}, the formats of {command}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("completions", type=pathlib.Path)
    parser.add_argument("--memspike", help="whose options the completions must know")
    parser.add_argument("--shell", action="append", choices=["bash", "zsh", "fish"])
    options = parser.parse_args()
    completions = options.completions.resolve()
    wanted = options.shell or ["bash", "zsh", "fish"]
    missing = [shell for shell in wanted if not shutil.which(shell)]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)} (tools/install-deps --unit)")
    failures = []
    if options.memspike:
        failures += [*forgotten(options.memspike, completions), *other_formats(options.memspike, completions)]
    with tempfile.TemporaryDirectory(prefix="memspike-test-") as place:
        directory = make_place(place)
        environment = dict(os.environ, PATH=f"{directory}/bin:{os.environ['PATH']}", HOME=str(directory),
                           TERM="dumb", LC_ALL="C.UTF-8", HIT=f"{directory}/hit", COLUMNS="200")

        def check(shell, typed, expected, answer, is_right):
            if not is_right:
                failures.append(f"{shell}: {typed!r} became {answer!r}, not {expected!r}")

        for shell, running in shells(completions, environment, directory):
            if shell not in wanted:
                running.close()
                continue
            for typed, expected in CASES:
                typed, expected = (text.replace("ROOT", f"{directory}/root") for text in (typed, expected))
                answer = running.complete(typed).rstrip("/ =")
                check(shell, typed, expected, answer, answer == expected)
            running.close()
        if "fish" in wanted:
            for typed, expected in CASES:
                typed, expected = (text.replace("ROOT", f"{directory}/root") for text in (typed, expected))
                offered = fish_answer(typed, completions / "memspike.fish", environment, directory / "work")
                last = expected.split(" ")[-1]
                answer = {text.rstrip("/") for text in offered}
                check("fish", typed, last, offered, last in answer)
        if (directory / "hit").exists():
            failures.append("a pod's name was run as a command")
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
