"""Processes: started, waited for, measured and ended."""

import os
import signal
import subprocess
import time


class Failed(Exception):
    """It ended, or stayed silent: str() is why, in its own words where it had any."""


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def descendants(pid):
    """A process and all below it."""
    found = [pid]
    for task in listdir(f"/proc/{pid}/task"):
        for child in read_text(f"/proc/{pid}/task/{task}/children").split():
            found += descendants(int(child))
    return found


def listdir(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def cpu_ns(pids):
    """CPU time of all threads of the processes, by the scheduler's own count."""
    total = 0
    for pid in pids:
        for task in listdir(f"/proc/{pid}/task"):
            words = read_text(f"/proc/{pid}/task/{task}/schedstat").split()
            total += int(words[0]) if words else 0
    return total


def status_kib(pid, key):
    for line in read_text(f"/proc/{pid}/status").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def peak_rss_bytes(pids):
    return 1024 * sum(status_kib(pid, "VmHWM") for pid in pids)


class Child:
    """A process whose output goes to files, so that no pipe can hold it up."""

    def __init__(self, arguments, directory, pass_fds=()):
        self.arguments = [str(argument) for argument in arguments]
        self.out_path = os.path.join(directory, "out")
        self.err_path = os.path.join(directory, "err")
        self.started_ns = time.monotonic_ns()
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, pass_fds=pass_fds,
                cwd=directory)
        self.pid = self.process.pid

    def out(self):
        return read_text(self.out_path)

    def err(self):
        return read_text(self.err_path)

    def complaint(self):
        lines = [line.strip() for line in self.err().splitlines() if line.strip()]
        return "\n".join(lines) if lines else f"it ended with {self.process.returncode}"

    def wait_until(self, ready, timeout_s=20):
        """Waits for it to be ready, and returns how long that took from its start. ns."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.process.poll() is not None:
                raise Failed(self.complaint())
            if time.monotonic() > deadline:
                self.kill()
                raise Failed(f"{self.arguments[0]} was not ready after {timeout_s} s")
            time.sleep(0.001)
        return time.monotonic_ns() - self.started_ns

    def stop(self, number=signal.SIGINT, timeout_s=60):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.arguments[0]} did not end within {timeout_s} s") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
