// Where the ticks stand, and what they say.

const MINUTE_NS = 60e9;
const HOUR_NS = 60 * MINUTE_NS;
const DAY_NS = 24 * HOUR_NS;

const TIME_STEPS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((ns) => [ns, 2 * ns, 5 * ns]).concat(
  [1, 2, 5, 10, 15, 30].map((s) => s * 1e9),
  [1, 2, 5, 10, 15, 30].map((m) => m * MINUTE_NS),
  [1, 2, 3, 6, 12].map((h) => h * HOUR_NS),
  [1, 2, 7, 14, 28].map((d) => d * DAY_NS));
const BYTE_STEPS = Array.from({ length: 60 }, (_, i) => 2 ** i);

// Digits of the second that tell two ticks apart; -1: whole minutes.
function digitsFor(stepNs) {
  if (stepNs >= MINUTE_NS) return -1;
  return Math.max(0, Math.ceil(9 - Math.log10(stepNs) - 1e-9));
}

// Round on the clock, not on the recording's start.
function timeTicks(clock, lo, hi, stepNs) {
  const ticks = [];
  const offset = clock.nsOfDay % stepNs;
  for (let tick = Math.ceil((lo + offset) / stepNs) * stepNs - offset; tick <= hi; tick += stepNs) ticks.push(tick);
  return ticks;
}

// All ticks in one unit, with the digits that tell them apart: "49.996 MiB".
function byteLabels(ticks) {
  const highest = Math.max(...ticks, 1);
  const power = Math.min(6, Math.floor(Math.log2(highest) / 10));
  const unit = 1024 ** power;
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : unit;
  const digits = Math.min(6, Math.max(0, Math.ceil(Math.log10(unit / step) - 1e-9)));
  const name = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][power];
  return ticks.map((tick) => (tick === 0 ? "0" : `${(tick / unit).toFixed(digits)} ${name}`));
}

const AXIS_FONT = "12px system-ui, sans-serif";

// `below`: pixels between the timeline and the labels that are somebody else's.
function timeAxis(clock, colors, below = 0) {
  return {
    stroke: () => colors().faint,
    grid: { stroke: () => colors().grid, width: 1 },
    ticks: { stroke: () => colors().grid, width: 1, size: 5 + below },
    font: AXIS_FONT,
    size: 34 + below,
    incrs: TIME_STEPS,
    space: (chart, axis, lo, hi) => (hi - lo < 1e6 ? 150 : hi - lo < 20e9 ? 120 : 90),
    splits: (chart, axis, lo, hi, step) => timeTicks(clock, lo, hi, step),
    values: (chart, ticks, axis, space, step) => ticks.map((tick) => clock.format(tick, digitsFor(step))),
  };
}

function byteAxis(colors) {
  return {
    stroke: () => colors().faint,
    grid: { stroke: () => colors().grid, width: 1 },
    ticks: { show: false },
    font: AXIS_FONT,
    gap: 8,
    size: (chart, labels) => 18 + 7 * Math.max(5, ...(labels ?? []).map((label) => label.length)),
    incrs: BYTE_STEPS,
    space: 44,
    values: (chart, ticks) => byteLabels(ticks),
  };
}
