// The lane below the timeline in which stalls stand: as wide as they are long, the longer the higher. It has its
// word beside it, and nothing else is drawn there: nothing depends on colour.

const LANE_GAP = 6;       // below the timeline, in CSS pixels
const LANE_HEIGHT = 16;
const LEAST_HEIGHT = 4;   // of the shortest stalls
const COLUMN = 2;         // the narrowest bar
const LANE_SIZE = LANE_GAP + LANE_HEIGHT;

class Lane {
  constructor(chart, stalls) {
    this.chart = chart;
    this.stalls = stalls;
  }

  // In the room that the time axis leaves for it.
  draw(plot) {
    const { bbox: box, ctx: context } = plot;
    const { lo, hi } = this.chart.view;
    const colors = this.chart.colors();
    const ratio = devicePixelRatio;
    const bottom = box.top + box.height + LANE_SIZE * ratio;
    const columns = Math.max(1, Math.floor(box.width / (COLUMN * ratio)));
    const x = (column) => box.left + (column / columns) * box.width;
    context.save();
    context.fillStyle = colors.grid;
    context.fillRect(box.left, bottom - ratio, box.width, ratio);
    context.fillStyle = colors.stall;
    for (const [from, to] of this.stalls.reaches(lo, hi, columns)) {
      context.fillRect(x(from), bottom - 2 * ratio, x(to) - x(from), 2 * ratio);
    }
    for (const { from, to, longestNs } of this.stalls.bars(lo, hi, columns)) {
      const height = this.#height(longestNs) * ratio;
      context.fillRect(x(from), bottom - height, x(to) - x(from), height);
    }
    this.#name(context, box.left, bottom - (LANE_HEIGHT / 2) * ratio, ratio);
    context.restore();
  }

  // Three decades below the longest: beside a stall of seconds, one of microseconds is just there.
  #height(ns) {
    const share = Math.max(0, 1 + Math.log10(Math.max(1, ns) / Math.max(1, this.stalls.longestNs)) / 3);
    return LEAST_HEIGHT + share * (LANE_HEIGHT - LEAST_HEIGHT);
  }

  #name(context, right, y, ratio) {
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = this.chart.colors().faint;
    context.fillText("stalls", right - 8 * ratio, y);
  }
}
