// Direct reclaims that tasks had to wait for.

// One stall, or neighbours that could not all be kept: from the first one's begin until the last one's end.
function stallMark([fromNs, untilNs, longestEndNs = untilNs, count = 1, totalNs = untilNs - fromNs, longestNs = totalNs]) {
  return { fromNs, untilNs, longestEndNs, count, totalNs, longestNs };
}

// Those of all lives of a subject.
class Stalls {
  constructor(lives) {
    this.marks = lives.flatMap((life) => life.stalls.map(stallMark)).sort((a, b) => a.untilNs - b.untilNs);
    this.ends = Float64Array.from(this.marks, (mark) => mark.untilNs);
    const highest = (of) => this.marks.reduce((most, mark) => Math.max(most, of(mark)), 0);
    this.widestNs = highest((mark) => mark.untilNs - mark.fromNs);
    this.longestNs = highest((mark) => mark.longestNs);
    this.count = this.marks.reduce((sum, mark) => sum + mark.count, 0);
  }

  // The marks that touch [lo, hi].
  between(lo, hi) {
    const found = [];
    for (let i = lowerBound(this.ends, lo); i < this.ends.length && this.ends[i] - this.widestNs <= hi; ++i) {
      if (this.marks[i].fromNs <= hi) found.push(this.marks[i]);
    }
    return found;
  }

  // The same as one mark; null: there are none.
  sum(lo, hi) {
    return this.between(lo, hi).reduce((sum, mark) => {
      if (sum === null) return { ...mark };
      if (mark.longestNs > sum.longestNs) [sum.longestNs, sum.longestEndNs] = [mark.longestNs, mark.longestEndNs];
      sum.fromNs = Math.min(sum.fromNs, mark.fromNs);
      sum.untilNs = Math.max(sum.untilNs, mark.untilNs);
      sum.count += mark.count;
      sum.totalNs += mark.totalNs;
      return sum;
    }, null);
  }

  // What draws them on `columns` columns from lo to hi: [{from, to, longestNs}, …], in columns. A stall that is
  // shorter than a column fills it; of several in one column the longest is drawn.
  bars(lo, hi, columns) {
    const bars = [];
    const short = new Map();
    for (const { longestEndNs, longestNs } of this.between(lo, hi)) {
      const beginNs = longestEndNs - longestNs;
      if (beginNs > hi || longestEndNs < lo) continue;
      const [from, to] = [columnOf(beginNs, lo, hi, columns), columnOf(longestEndNs, lo, hi, columns)];
      if (to - from >= 1) {
        bars.push({ from, to, longestNs });
        continue;
      }
      const column = Math.min(Math.floor(from), columns - 1);
      if ((short.get(column)?.longestNs ?? -1) < longestNs) short.set(column, { from: column, to: column + 1, longestNs });
    }
    return [...bars, ...short.values()];
  }

  // Over which columns neighbours reach that are drawn as one: [[from, to], …].
  reaches(lo, hi, columns) {
    return this.between(lo, hi).filter((mark) => mark.count > 1)
      .map((mark) => [columnOf(mark.fromNs, lo, hi, columns), columnOf(mark.untilNs, lo, hi, columns)])
      .filter(([from, to]) => to - from >= 1);
  }
}

// Not rounded; what lies outside is at the edge.
function columnOf(ns, lo, hi, columns) {
  return Math.min(Math.max(((ns - lo) / (hi - lo)) * columns, 0), columns);
}

function stallText(sum) {
  if (sum.count === 1) return `A task stalled ${formatDuration(sum.totalNs)} in reclaim`;
  return `Tasks stalled ${formatCount(sum.count)}× in reclaim within ${formatDuration(sum.untilNs - sum.fromNs)}, ` +
    `${formatDuration(sum.totalNs)} in all, the longest ${formatDuration(sum.longestNs)}`;
}
