"""What a report's numbers look like in words, and its subjects: shares no code with what wrote them."""

ANY = "\0"  # in an expected sentence: whatever stands there
MIB = 1 << 20


def size(value):
    if value < 1024:
        return f"{value} B"
    names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    value /= 1024
    while value >= 1023.95 and len(names) > 1:
        value /= 1024
        names.pop(0)
    return f"{value:.{2 if names[0] not in ('KiB', 'MiB') and value < 100 else 1}f} {names[0]}"


def three(value):
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def span(ns):
    for unit, name, limit in ((1e3, "µs", 999.5e3), (1e6, "ms", 999.5e6), (1e9, "s", 59.95e9)):
        if ns < 1000:
            return f"{ns} ns"
        if ns < limit:
            return f"{three(ns / unit)} {name}"
    seconds = int(ns / 1e9 + 0.5)
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"


def grouped(count):
    return f"{count:,}"


def times(count):
    return "once" if count == 1 else f"{grouped(count)} times"


def counted(count, noun, plural=None):
    return f"1 {noun}" if count == 1 else f"{grouped(count)} {plural or noun + 's'}"


def quantity(value):
    return f"{value // MIB}Mi" if value % MIB == 0 else str(value)


def of_ppm(ppm):
    if ppm == 0 or ppm >= 1_000_000:
        return "0 %" if ppm == 0 else "100 %"
    if ppm < 100:
        return "under 0.01 %"
    if ppm > 990_000:
        return "over 99 %"
    percent = ppm / 10_000
    return f"{percent:.{2 if percent < 0.095 else 1 if percent < 9.95 else 0}f} %"


def of_limit(value, limit):
    percent = value * 100 / limit
    return f"{min(99.9, int(percent * 10) / 10):.1f} %" if 99 < percent < 100 else f"{int(percent)} %"


def share(part, whole):
    return f"{part * 100 / whole:.1f} %"


def clock(utc):
    """Of "2026-11-24T03:40:13.123456Z", with or without its date."""
    return f"{ANY}{utc[11:26]}"


def median(values):
    return sorted(values)[len(values) // 2]


class Subject:
    """A container with all its lives, or another cgroup."""

    def __init__(self, report, subject):
        def is_life(memcg):
            if subject["container"] is None or memcg["container"] is None:
                return memcg["path"] == subject["path"]
            name = subject["container"]["name"]
            same = memcg["container"]["name"] == name if name else memcg["path"] == subject["path"]
            return memcg["role"] == subject["role"] and same

        self.report = report
        self.json = subject
        self.role = subject["role"]
        self.lives = [memcg for memcg in report["memcgs"] if is_life(memcg)]
        self.last = self.lives[-1]
        self.bursts = sorted((b for life in self.lives for b in life["bursts"]), key=lambda b: b["top_ns"])
        self.bursts_total = sum(life["bursts_total"] for life in self.lives)
        self.kills = sorted(((kill, life["path"]) for life in self.lives for kill in life["oom_kills"]),
                            key=lambda pair: pair[0]["time_ns"])
        counts = [life["kernel_oom_kills"] for life in self.lives]
        self.kernel_kills = None if None in counts else sum(counts)
        limits = [life["limit_bytes"] for life in self.lives if life["limit_bytes"] is not None]
        self.limit = limits[-1] if limits else None
        levels = [life["usage"]["level_bytes"] for life in self.lives]
        levels = [level for level in levels if level is not None]
        self.level = median(levels) if levels else None
        self.is_above = any(other["path"].startswith(self.last["path"] + "/") for other in report["memcgs"])
        self.peak = max(self.lives, key=lambda life: life["usage"]["peak_bytes"])["usage"]

    def telling(self, *key):
        """The burst that a sentence is about, by what goes before what; the last of equals."""
        return max(reversed(self.bursts), key=lambda b: [f(b) for f in key]) if self.bursts else None


def killed(burst):
    return burst["outcome"] == "oom_kill"


def no_level(burst):
    return not burst["is_level"]



def told_rank(burst):
    return burst["top_bytes"]
