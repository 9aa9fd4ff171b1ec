// The rows of a memcg's life: unpacked from the page, looked up, reduced to what a chart can show.

// The inverse of timeline_codec.cpp.
function unpackRows(base64, count, firstNs, unitBytes) {
  const packed = atob(base64);
  const ns = new Float64Array(count);
  const bytes = new Float64Array(count);
  let at = 0;
  // Above 2^31, so no shifts of 32 bits.
  const number = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = packed.charCodeAt(at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  let time = firstNs;
  let units = 0;
  for (let i = 0; i < count; ++i) {
    time += number();
    const zigzag = number();
    units += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    ns[i] = time;
    bytes[i] = units * unitBytes;
  }
  return { ns, bytes };
}

// One life of a memcg.
class Life {
  constructor(data, base64) {
    this.kernelPeakBytes = data.kernel_peak_bytes;
    this.limits = data.limits;
    const rows = unpackRows(base64, data.rows, data.first_ns, data.unit_bytes);
    this.ns = rows.ns;
    this.bytes = rows.bytes;
    this.pyramid = new Pyramid(rows.bytes);
    this.firstNs = rows.ns[0];
    this.lastNs = rows.ns[rows.ns.length - 1];
  }

  // What the counter stood at, as a scraper would have read it: the last row at or before ns.
  at(ns) {
    if (ns < this.firstNs || ns > this.lastNs) return null;
    return this.bytes[upperBound(this.ns, ns) - 1];
  }

  limitAt(ns) {
    let limit = null;
    for (const [from, bytes] of this.limits) if (from <= ns) limit = bytes;
    return limit;
  }

  // The lowest and the highest row in [lo, hi], the level that it entered with included; null outside of the life.
  extremes(lo, hi) {
    if (hi < this.firstNs || lo > this.lastNs) return null;
    const from = Math.max(0, upperBound(this.ns, lo) - 1);
    const to = Math.max(from + 1, upperBound(this.ns, hi));
    const { min, max } = this.pyramid.extremes(from, to);
    return { min: this.bytes[min], max: this.bytes[max], maxNs: this.ns[max], rows: to - from };
  }

  // Points of the line between lo and hi. Where it crosses an edge there is a point on the edge: what lies
  // a second outside of a microsecond's view is too far away for a canvas.
  points(lo, hi, columns) {
    const from = lowerBound(this.ns, lo);
    const to = upperBound(this.ns, hi);
    const indices = decimate(this.ns, this.pyramid, from, to, lo, hi, columns);
    const ns = indices.map((i) => this.ns[i]);
    const bytes = indices.map((i) => this.bytes[i]);
    if (from > 0 && from < this.ns.length && this.ns[from] > lo) {
      ns.unshift(lo);
      bytes.unshift(this.#between(from - 1, lo));
    }
    if (to > 0 && to < this.ns.length && this.ns[to - 1] < hi) {
      ns.push(hi);
      bytes.push(this.#between(to - 1, hi));
    }
    return { ns, bytes };
  }

  #between(i, ns) {
    const share = (ns - this.ns[i]) / (this.ns[i + 1] - this.ns[i]);
    return this.bytes[i] + share * (this.bytes[i + 1] - this.bytes[i]);
  }

  // Where the line around a peak crosses `level`, on both sides, as peak_widths has it.
  crossings(peakNs, level) {
    let peak = Math.min(lowerBound(this.ns, peakNs), this.ns.length - 1);
    let left = peak;
    while (left > 0 && this.bytes[left] > level) --left;
    let right = peak;
    while (right + 1 < this.ns.length && this.bytes[right] > level) ++right;
    const cross = (low, high) => {
      const [a, b] = [this.bytes[low], this.bytes[high]];
      if (a === b || a > level) return this.ns[low];
      return this.ns[low] + ((level - a) / (b - a)) * (this.ns[high] - this.ns[low]);
    };
    return [cross(left, Math.min(left + 1, peak)), cross(right, Math.max(right - 1, peak))];
  }
}

// All lives of a subject, one after the other.
class Timeline {
  constructor(lives) {
    this.lives = lives;
    this.rows = lives.reduce((sum, life) => sum + life.ns.length, 0);
    this.firstNs = Math.min(...lives.map((life) => life.firstNs));
    this.lastNs = Math.max(...lives.map((life) => life.lastNs));
  }

  static of(subject, index) {
    const lives = [];
    subject.lives.forEach((data, life) => {
      const element = document.getElementById(`rows-${index}-${life}`);
      if (element === null) return;
      lives.push(new Life(data, element.textContent));
      element.remove();  // megabytes of text that nobody needs any more
    });
    return lives.length === 0 ? null : new Timeline(lives);
  }

  lifeAt(ns) {
    return this.lives.find((life) => ns >= life.firstNs && ns <= life.lastNs) ?? null;
  }

  // [ns, bytes], with a gap between two lives.
  points(lo, hi, columns) {
    const ns = [];
    const bytes = [];
    for (const life of this.lives) {
      if (life.firstNs > hi || life.lastNs < lo) continue;
      const points = life.points(lo, hi, columns);
      if (ns.length > 0) {
        ns.push(ns.at(-1));
        bytes.push(null);
      }
      for (let i = 0; i < points.ns.length; ++i) {
        ns.push(points.ns[i]);
        bytes.push(points.bytes[i]);
      }
    }
    return [ns, bytes];
  }

  extremes(lo, hi) {
    let all = null;
    for (const life of this.lives) {
      const one = life.extremes(lo, hi);
      if (one === null) continue;
      if (all === null) all = { ...one, rows: 0 };
      if (one.max > all.max) [all.max, all.maxNs] = [one.max, one.maxNs];
      all.min = Math.min(all.min, one.min);
      all.rows += one.rows;
    }
    return all;
  }
}
