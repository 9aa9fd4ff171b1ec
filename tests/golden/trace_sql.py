"""The queries of a document, on a recording: SQLite over tables as Perfetto's trace_processor makes them.

trace_sql.py RECORDING DOCUMENT    runs what stands between "```sql" and "```", and prints each answer as CSV

trace_processor is in no package that the tests could install. What it is asked here is SQLite in any case;
its tables are made by its rules: events in order of time, each end closes the last begin of its track, an
instant is a slice without duration, and a flow joins an event with the next one that has its id.
"""

import csv
import re
import sqlite3
import struct
import sys
import zlib

SLICE_BEGIN, SLICE_END, INSTANT, COUNTER = 1, 2, 3, 4


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def fields(data):
    """(number, value) of each field of a message; a value is a number or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            sys.exit(f"a field of kind {kind} at {at}")
        yield key >> 3, value


def packets(data):
    for number, packet in fields(data):
        if number != 1:
            continue
        compressed = dict(fields(packet)).get(50)
        if compressed is None:
            yield packet
        else:
            yield from packets(zlib.decompress(compressed))


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def arguments(annotation, prefix, found):
    """Flat, as trace_processor names them: "debug.floor.usage_bytes"."""
    name, values, entries, elements = "", [], [], []
    for number, value in fields(annotation):
        if number == 10:
            name = value.decode()
        elif number == 2:
            values.append(bool(value))
        elif number == 3:
            values.append(value)
        elif number == 4:
            values.append(signed(value))
        elif number == 6:
            values.append(value.decode())
        elif number == 11:
            entries.append(value)
        elif number == 12:
            elements.append(value)
    key = f"{prefix}.{name}" if name else prefix
    if values:
        found[key] = values[0]
    for entry in entries:
        arguments(entry, key, found)
    for index, element in enumerate(elements):
        arguments(element, f"{key}[{index}]", found)


class Trace:
    def __init__(self, data):
        self.db = sqlite3.connect(":memory:")
        self.db.executescript("""
            create table track(id integer primary key, name text, parent_id integer);
            create table counter(ts integer, track_id integer, value integer);
            create table slice(id integer primary key, ts integer, dur integer, track_id integer, category text,
                               name text, arg_set_id integer);
            create table flow(slice_out integer, slice_in integer);
        """)
        self.args = {}
        self.db.create_function("extract_arg", 2, lambda args, key: self.args.get(args, {}).get(key))
        self.open = {}
        self.last_of_flow = {}
        self.tracks = {}
        events = []
        for packet in packets(data):
            parts = {}
            for number, value in fields(packet):
                parts.setdefault(number, value)
            if 60 in parts:
                self.add_track(parts[60])
            if 11 in parts:
                events.append((parts[8], parts[11]))
        for time, event in sorted(events, key=lambda event: event[0]):
            self.add_event(time, event)
        left = sum(len(slices) for slices in self.open.values())
        if left:
            sys.exit(f"{left} slices have no end")

    def add_track(self, descriptor):
        parts = dict(fields(descriptor))
        self.tracks[parts[1]] = len(self.tracks) + 1
        parent = self.tracks[parts[5]] if parts.get(5) else None
        self.db.execute("insert into track values (?, ?, ?)",
                        (self.tracks[parts[1]], parts.get(2, b"").decode(), parent))

    def add_event(self, time, event):
        kind = track = value = None
        name = category = ""
        args, flows = {}, []
        for number, part in fields(event):
            if number == 9:
                kind = part
            elif number == 11:
                track = self.tracks[part]
            elif number == 30:
                value = signed(part)
            elif number == 22:
                category = part.decode()
            elif number == 23:
                name = part.decode()
            elif number == 4:
                arguments(part, "debug", args)
            elif number == 47:
                flows.append(part)
        if kind == COUNTER:
            self.db.execute("insert into counter values (?, ?, ?)", (time, track, value))
        elif kind == SLICE_END:
            begun = self.open[track].pop()
            self.db.execute("update slice set dur = ? - ts where id = ?", (time, begun))
        else:
            number = len(self.args) + 1
            self.args[number] = args
            self.db.execute("insert into slice values (?, ?, 0, ?, ?, ?, ?)",
                            (number, time, track, category, name, number))
            if kind == SLICE_BEGIN:
                self.open.setdefault(track, []).append(number)
            for flow in flows:
                if flow in self.last_of_flow:
                    self.db.execute("insert into flow values (?, ?)", (self.last_of_flow[flow], number))
                self.last_of_flow[flow] = number


def main():
    recording, document = sys.argv[1:]
    with open(recording, "rb") as file:
        trace = Trace(file.read())
    with open(document, encoding="utf-8") as file:
        queries = re.findall(r"```sql\n(.*?)```", file.read(), re.DOTALL)
    if not queries:
        sys.exit(f"{document} has no queries")
    out = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for query in queries:
        cursor = trace.db.execute(query)
        out.writerow(column[0] for column in cursor.description)
        for row in cursor:
            out.writerow("[NULL]" if value is None else value for value in row)
        print()


main()
