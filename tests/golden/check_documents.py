"""Reads every golden document with Python's parsers: they must be valid to others, too."""
import csv
import json
import pathlib
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


def main() -> None:
    data = pathlib.Path(sys.argv[1])
    checked = 0
    for pattern, check in (("*.json", check_json), ("*.csv", check_csv)):
        for path in sorted(data.glob(pattern)):
            check(path)
            checked += 1
    assert checked >= 5, f"only {checked} documents in {data}"


main()
