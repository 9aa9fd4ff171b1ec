// Minimum and maximum of any range of a long series in a few steps, and with them the points that
// stand for the series at a given width: no peak is ever hidden.

const FAN = 16;  // values that one entry of the next level stands for

class Pyramid {
  #values;
  #levels = [];  // each {min, max}: indices into values

  constructor(values) {
    this.#values = values;
    let size = values.length;
    do {
      size = Math.ceil(size / FAN);
      this.#levels.push(this.#level(size));
    } while (size > 1);
  }

  #level(size) {
    const below = this.#levels.at(-1);
    const count = below ? below.min.length : this.#values.length;
    const level = { min: new Uint32Array(size), max: new Uint32Array(size) };
    for (let i = 0; i < size; ++i) {
      const range = this.#scan(below, i * FAN, Math.min(count, (i + 1) * FAN));
      level.min[i] = range.min;
      level.max[i] = range.max;
    }
    return level;
  }

  // Entries [from, to) of a level, or of the values themselves.
  #scan(level, from, to, range = null) {
    const values = this.#values;
    for (let i = from; i < to; ++i) {
      const min = level ? level.min[i] : i;
      const max = level ? level.max[i] : i;
      if (range === null) range = { min, max };
      if (values[min] < values[range.min]) range.min = min;
      if (values[max] > values[range.max]) range.max = max;
    }
    return range;
  }

  // The indices of the smallest and the largest value in [from, to); from < to.
  extremes(from, to) {
    let range = null;
    let below = undefined;
    for (const level of this.#levels) {
      if (to - from <= 2 * FAN) break;
      const first = Math.ceil(from / FAN);
      const last = Math.floor(to / FAN);
      range = this.#scan(below, from, first * FAN, range);
      range = this.#scan(below, last * FAN, to, range);
      [from, to, below] = [first, last, level];
    }
    return this.#scan(below, from, to, range);
  }
}

// The first index whose value is at least x (above: greater than x), in an ascending array.
function lowerBound(array, x, from = 0, to = array.length) {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (array[middle] < x) from = middle + 1;
    else to = middle;
  }
  return from;
}

function upperBound(array, x, from = 0, to = array.length) {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (array[middle] <= x) from = middle + 1;
    else to = middle;
  }
  return from;
}

// The indices that draw rows [from, to) on `columns` columns from lo to hi as all of them would: in
// each column the first, the lowest, the highest and the last one.
function decimate(xs, pyramid, from, to, lo, hi, columns) {
  const indices = [];
  if (to - from <= 4 * columns) {
    for (let i = from; i < to; ++i) indices.push(i);
    return indices;
  }
  for (let column = 0, begin = from; column < columns && begin < to; ++column) {
    const end = column + 1 === columns ? to : lowerBound(xs, lo + ((hi - lo) * (column + 1)) / columns, begin, to);
    if (end === begin) continue;
    const { min, max } = pyramid.extremes(begin, end);
    let last = -1;
    for (const index of [begin, Math.min(min, max), Math.max(min, max), end - 1]) {
      if (index > last) indices.push((last = index));
    }
    begin = end;
  }
  return indices;
}
