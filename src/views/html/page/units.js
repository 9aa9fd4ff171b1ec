// Numbers as people read them; the same forms as in the text report.

const NBSP = "\u00a0";

function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes}${NBSP}B`;
  const names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1023.95 && unit + 1 < names.length; ++unit) value /= 1024;
  return `${value.toFixed(unit >= 2 && value < 100 ? 2 : 1)}${NBSP}${names[unit]}`;
}

function formatCount(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function exactBytes(bytes) {
  return `${formatCount(bytes)}${NBSP}B`;
}

function formatDuration(ns) {
  const digits = (value, unit) => `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)}${NBSP}${unit}`;
  if (ns < 1000) return `${Math.round(ns)}${NBSP}ns`;
  if (ns < 999.5e3) return digits(ns / 1e3, "µs");
  if (ns < 999.5e6) return digits(ns / 1e6, "ms");
  if (ns < 59.95e9) return digits(ns / 1e9, "s");
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const seconds = Math.round(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
}

// UTC of a time of the recording. Its times count from the recording's start, so that a nanosecond is
// exact in a double for 104 days.
class Clock {
  constructor(dayUtc, nsOfDay, durationNs) {
    this.dayMs = Date.parse(`${dayUtc}T00:00:00Z`);
    this.nsOfDay = nsOfDay;
    this.showsDays = nsOfDay + durationNs >= 86400e9;
  }

  // digits: of the second, 0 to 9; -1 leaves the seconds out.
  format(ns, digits = 6) {
    let rest = this.nsOfDay + ns;
    const day = Math.floor(rest / 86400e9);
    rest -= day * 86400e9;
    const seconds = Math.floor(rest / 1e9);
    const two = (value) => String(value).padStart(2, "0");
    let text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`;
    if (digits >= 0) text += `:${two(seconds % 60)}`;
    if (digits > 0) text += `.${String(Math.floor(rest - seconds * 1e9)).padStart(9, "0").slice(0, digits)}`;
    return this.showsDays || day > 0 ? `${this.#date(day)} ${text}` : text;
  }

  #date(day) {
    return new Date(this.dayMs + day * 86400e3).toISOString().slice(5, 10);
  }
}

// Characters that steer a reader's eye instead of showing something: a process may call itself anything.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

function visible(text) {
  return String(text).replace(STEERING, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
