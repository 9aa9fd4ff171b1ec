"""Reads every golden document with Python's parsers: they must be valid to others, too."""
import csv
import json
import pathlib
import re
import sys

COLUMNS = ["monotonic_ns", "memcg", "usage_bytes", "watermark_bytes", "limit_bytes", "mark"]


def check_json(path: pathlib.Path) -> None:
    document = json.loads(path.read_bytes().decode("utf-8", errors="strict"))
    assert document["schema_version"] == 1, path


def check_csv(path: pathlib.Path) -> None:
    text = path.read_bytes().decode("utf-8", errors="strict")
    rows = list(csv.reader(text.splitlines(), strict=True))
    assert rows[0] == COLUMNS, rows[0]
    assert len(rows) == text.count("\n"), "a row is a line"
    assert len(rows) > 1, "no rows"
    for row in rows[1:]:
        assert len(row) == len(COLUMNS), row
        time_ns, memcg, usage, watermark, limit, mark = row
        assert memcg.startswith("/") and memcg.isprintable(), row
        assert all(field.isdigit() for field in (time_ns, usage, watermark)), row
        assert limit == "" or limit.isdigit(), row
        assert mark in ("", "watermark", "held"), row


def check_metrics(path: pathlib.Path) -> None:
    """What OpenMetrics wants beyond what promtool checks: it reads the older format."""
    text = path.read_bytes().decode("utf-8", errors="strict")
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""], "it ends with # EOF"
    series, closed, family, kind = set(), set(), "", ""
    for line in lines[:-2]:
        if line.startswith("# HELP "):
            closed.add(family)
            family = line.split(" ")[2]
            assert family not in closed, f"{family} comes in two parts"
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and (kind == "counter") == name.endswith("_total"), line
            continue
        if line.startswith("# UNIT "):
            _, _, name, unit = line.split(" ")
            assert name == family.removesuffix("_total") and name.endswith("_" + unit), line
            continue
        name, labels, value = re.fullmatch(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} ([0-9.]+)', line).groups()
        assert float(value) >= 0
        assert (name, labels) not in series, f"twice: {line}"
        series.add((name, labels))
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        assert name in [family + suffix for suffix in suffixes], line
        if name.endswith("_bucket"):
            assert re.search(r'le="([0-9]+\.[0-9]+|\+Inf)"$', labels), line
    assert series, "no samples"


def main() -> None:
    data = pathlib.Path(sys.argv[1])
    checked = 0
    for pattern, check in (("*.json", check_json), ("*.csv", check_csv), ("*.prom", check_metrics)):
        for path in sorted(data.glob(pattern)):
            check(path)
            checked += 1
    assert checked >= 12, f"only {checked} documents in {data}"


main()
