// The pure parts of the page: what a browser is not needed for. Run by node --test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const PAGE = new URL("../../src/views/html/page/", import.meta.url);
const source = ["units", "pyramid", "timeline", "stalls", "scraper", "axes"].map((name) => readFileSync(new URL(`${name}.js`, PAGE), "utf8"));
const names = ["formatBytes", "formatCount", "formatDuration", "Clock", "visible", "Pyramid", "lowerBound", "upperBound",
  "decimate", "unpackRows", "Life", "Timeline", "Stalls", "stallText", "scrape", "chanceText", "timeTicks", "byteLabels", "digitsFor"];
const page = vm.runInNewContext(`${source.join("\n")}\n({ ${names.join(", ")} })`, { atob });

let seed = 1;
const random = (bound) => {
  seed = (seed * 48271) % 2147483647;
  return seed % bound;
};

// The page's arrays come from another realm.
const plain = (value) => JSON.parse(JSON.stringify(Array.isArray(value) || value === null ? value : [...value]));

function pack(rows) {
  const bytes = [];
  const put = (value) => {
    for (value = BigInt(value); value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
    bytes.push(Number(value));
  };
  let [time, units] = [rows[0][0], 0];
  for (const [ns, unit] of rows) {
    put(ns - time);
    const difference = BigInt(unit) - BigInt(units);
    put(difference >= 0n ? 2n * difference : -2n * difference - 1n);
    [time, units] = [ns, unit];
  }
  return btoa(String.fromCharCode(...bytes));
}

function lifeOf(rows) {
  const data = { kernel_peak_bytes: null, limits: [[0, null], [100, 7], [200, 9]], rows: rows.length,
    first_ns: rows[0][0], unit_bytes: 1 };
  return new page.Life(data, pack(rows));
}

test("sizes and durations read as in the text report", () => {
  const text = (value) => value.replaceAll("\u00a0", " ");
  for (const [bytes, expected] of [[0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [40 * 2 ** 20, "40.0 MiB"],
    [52_428_800, "50.0 MiB"], [1023.96 * 2 ** 10, "1.0 MiB"], [3 * 2 ** 30, "3.00 GiB"]]) {
    assert.equal(text(page.formatBytes(bytes)), expected);
  }
  for (const [ns, expected] of [[0, "0 ns"], [999, "999 ns"], [12_400, "12.4 µs"], [3_210_000, "3.21 ms"],
    [999_600, "1.00 ms"], [1.5e9, "1.50 s"], [125e9, "2m05s"], [11_040e9, "3h04m"]]) {
    assert.equal(text(page.formatDuration(ns)), expected);
  }
  assert.equal(page.formatCount(1234567), "1,234,567");
});

test("a clock tells nanoseconds, and the day where a recording crosses midnight", () => {
  const clock = new page.Clock("2026-11-24", 45_050_498_034_000, 1e9);
  assert.equal(clock.format(0), "12:30:50.498034");
  assert.equal(clock.format(1, 9), "12:30:50.498034001");
  assert.equal(clock.format(-498_034_001, 9), "12:30:49.999999999");
  assert.equal(clock.format(0, -1), "12:30");
  const late = new page.Clock("2026-12-31", 86_399e9, 2e9);
  assert.equal(late.format(0, 0), "12-31 23:59:59");
  assert.equal(late.format(1e9, 0), "01-01 00:00:00");
});

test("what steers the eye is made visible", () => {
  assert.equal(page.visible("a\u2028b\u202ec\u0007\u009b\u{e0041}"), "a\\u{2028}b\\u{202e}c\\u{7}\\u{9b}\\u{e0041}");
  assert.equal(page.visible("<b> é 中 \u00a0"), "<b> é 中 \u00a0");
});

test("rows are unpacked to the byte and the nanosecond", () => {
  const rows = [[-5, 3], [-5, 2 ** 40], [1, 0], [2 ** 52 + 1, 2 ** 51], [2 ** 52 + 2, 2 ** 51 + 1]];
  const { ns, bytes } = page.unpackRows(pack(rows), rows.length, -5, 1);
  assert.deepEqual(plain(ns), rows.map(([time]) => time));
  assert.deepEqual(plain(bytes), rows.map(([, value]) => value));
  assert.deepEqual(plain(page.unpackRows(pack([[0, 3], [1, 1]]), 2, 0, 4096).bytes), [12288, 4096]);
});

test("the pyramid knows the extremes of every range", () => {
  for (const size of [1, 2, 15, 16, 17, 255, 256, 257, 5000]) {
    const values = Float64Array.from({ length: size }, () => random(1000));
    const pyramid = new page.Pyramid(values);
    for (let i = 0; i < 300; ++i) {
      const from = random(size);
      const to = from + 1 + random(size - from);
      const { min, max } = pyramid.extremes(from, to);
      const range = values.subarray(from, to);
      assert.equal(values[min], Math.min(...range));
      assert.equal(values[max], Math.max(...range));
      assert.ok(min >= from && min < to && max >= from && max < to);
    }
  }
});

test("no column of any view loses its highest, lowest, first or last row", () => {
  const count = 40_000;
  const ns = new Float64Array(count);
  const values = new Float64Array(count);
  for (let i = 0; i < count; ++i) {
    ns[i] = (i === 0 ? 0 : ns[i - 1]) + (random(10) === 0 ? 0 : random(3) ** 9);
    values[i] = random(50) + (random(4000) === 0 ? 1e6 : 0);
  }
  const pyramid = new page.Pyramid(values);
  for (let i = 0; i < 200; ++i) {
    const lo = ns[random(count)];
    const hi = lo + Math.max(1, ns[count - 1] / 2 ** random(14));
    const columns = 10 + random(300);
    const from = page.lowerBound(ns, lo);
    const to = page.upperBound(ns, hi);
    const chosen = plain(page.decimate(ns, pyramid, from, to, lo, hi, columns));
    assert.ok(chosen.length <= 4 * columns);
    assert.ok(chosen.every((index, k) => k === 0 || index > chosen[k - 1]));
    const column = (index) => Math.min(columns - 1, Math.floor(((ns[index] - lo) / (hi - lo)) * columns));
    const told = new Set(chosen.map((index) => `${column(index)} ${values[index]}`));
    const extremes = new Map();
    for (let k = from; k < to; ++k) {
      const seen = extremes.get(column(k)) ?? [values[k], values[k]];
      extremes.set(column(k), [Math.min(seen[0], values[k]), Math.max(seen[1], values[k])]);
    }
    for (const [at, values] of extremes) for (const value of values) assert.ok(told.has(`${at} ${value}`), `column ${at} hides ${value}`);
    if (to > from) assert.deepEqual([chosen[0], chosen.at(-1)], [from, to - 1]);
  }
});

test("a view between two rows shows the line that crosses it", () => {
  const life = lifeOf([[0, 100], [1000, 300]]);
  const { ns, bytes } = life.points(250, 500, 100);
  assert.deepEqual([plain(ns), plain(bytes)], [[250, 500], [150, 200]]);
  assert.deepEqual(plain(life.points(-50, 2000, 100).ns), [0, 1000]);
});

test("a scraper reads what stood there, and nothing before or after", () => {
  const life = lifeOf([[10, 5], [25, 9], [39, 1]]);
  const timeline = new page.Timeline([life, lifeOf([[60, 7], [70, 7]])]);
  assert.deepEqual(plain(page.scrape(timeline, 70, 10, 0)),
    [[0, null], [10, 5], [20, 5], [30, 9], [40, null], [50, null], [60, 7], [70, 7]]);
  assert.equal(page.scrape(timeline, 70, 10, 9)[2][1], 9);
  assert.equal(page.chanceText(159e6, 15e9), "1 in 94");
  assert.equal(page.chanceText(6e9, 15e9), "1 in 2.5");
  assert.equal(page.chanceText(15e9, 15e9), "always");
});

test("two lives are two lines", () => {
  const timeline = new page.Timeline([lifeOf([[0, 5], [10, 6]]), lifeOf([[20, 7], [30, 8]])]);
  assert.deepEqual(plain(timeline.points(0, 30, 10)), [[0, 10, 10, 20, 30], [5, 6, null, 7, 8]]);
  assert.deepEqual({ ...timeline.extremes(5, 25) }, { min: 5, max: 7, maxNs: 20, rows: 3 });
  assert.equal(timeline.extremes(11, 19), null);
});

test("a limit holds until the next one, a width ends where the line crosses it", () => {
  const life = lifeOf([[0, 0], [100, 10], [200, 10], [400, 0]]);
  assert.deepEqual([50, 100, 250].map((ns) => life.limitAt(ns)), [null, 7, 9]);
  assert.deepEqual(plain(life.crossings(150, 5)), [50, 300]);
});

test("ticks are round on the clock, and their labels differ", () => {
  const clock = new page.Clock("2026-11-24", 3_700_250_000_000, 1e9);
  assert.deepEqual(plain(page.timeTicks(clock, 0, 3e9, 1e9)), [750e6, 1750e6, 2750e6]);
  assert.equal(clock.format(750e6, page.digitsFor(1e9)), "01:01:41");
  assert.deepEqual([60e9, 1e9, 500e6, 1e6, 2000, 1].map((step) => page.digitsFor(step)), [-1, 0, 1, 3, 6, 9]);
  const labels = plain(page.byteLabels([52_420_608, 52_424_704, 52_428_800]));
  assert.equal(new Set(labels).size, 3);
  assert.deepEqual(plain(page.byteLabels([0, 8 * 2 ** 20, 16 * 2 ** 20])), ["0", "8 MiB", "16 MiB"]);
});

test("of stalls that share a column the longest is drawn, and those that are long are as wide", () => {
  const stalls = Array.from({ length: 3000 }, (_, i) => {
    const end = i * 1000 + random(1000);
    return [end - random(random(50) === 0 ? 200_000 : 900), end];
  });
  const all = new page.Stalls([{ stalls: stalls.slice(0, 1000) }, { stalls: stalls.slice(1000) }]);
  assert.equal(all.count, 3000);
  for (let round = 0; round < 100; ++round) {
    const lo = random(3_000_000);
    const hi = lo + 1 + random(3_000_000);
    const columns = 1 + random(500);
    const bars = plain(all.bars(lo, hi, columns));
    const inView = stalls.filter(([from, until]) => from <= hi && until >= lo);
    const column = (ns) => ((Math.min(Math.max(ns, lo), hi) - lo) / (hi - lo)) * columns;
    const tops = new Array(columns).fill(-1);
    for (const { from, to, longestNs } of bars) {
      for (let i = Math.floor(from); i < to; ++i) tops[i] = Math.max(tops[i], longestNs);
    }
    for (const [from, until] of inView) {
      const at = Math.min(Math.floor(column(from)), columns - 1);
      assert.ok(tops[at] >= until - from, `column ${at} hides a stall of ${until - from} ns`);
    }
    const wide = inView.filter(([from, until]) => column(until) - column(from) >= 1);
    assert.ok(bars.length <= columns + wide.length);
    const drawn = new Set(bars.map((bar) => bar.longestNs));
    for (const [from, until] of wide) assert.ok(drawn.has(until - from));
    assert.equal(all.sum(lo, hi)?.count ?? 0, inView.length);
  }
});

test("neighbours that became one stand where the longest was, and reach as far as they did", () => {
  const all = new page.Stalls([{ stalls: [[100, 900, 400, 7, 350, 200]] }, { stalls: [[2000, 2001]] }]);
  assert.deepEqual(plain(all.bars(0, 1000, 100)), [{ from: 20, to: 40, longestNs: 200 }]);
  assert.deepEqual(plain(all.reaches(0, 1000, 100)), [[10, 90]]);
  assert.deepEqual(plain(all.bars(500, 600, 10)), []);
  assert.deepEqual(plain(all.reaches(500, 600, 10)), [[0, 10]]);
  const text = (lo, hi) => page.stallText(all.sum(lo, hi)).replaceAll("\u00a0", " ");
  assert.equal(text(0, 1000), "Tasks stalled 7× in reclaim within 800 ns, 350 ns in all, the longest 200 ns");
  assert.equal(text(1500, 2500), "A task stalled 1 ns in reclaim");
  assert.equal(text(0, 5000), "Tasks stalled 8× in reclaim within 1.90 µs, 351 ns in all, the longest 200 ns");
  assert.equal(all.sum(1000, 1900), null);
});
