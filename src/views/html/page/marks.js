// What is drawn over the line of usage: limits, the kernel's peaks, spikes, kills, a scraper's view. Each has a
// shape, a dash or a word of its own: nothing depends on colour.

const MARK_SPACING = 10;  // of two spikes that are both drawn, in CSS pixels

class Marks {
  constructor(chart) {
    this.chart = chart;  // {subject, timeline, clock, colors(), view, x(), y(), scraped, selected}
    this.shown = [];     // spikes on the canvas: {row, x, y}, for clicks
  }

  draw(plot) {
    const context = plot.ctx;
    this.plot = plot;
    this.ratio = devicePixelRatio;
    this.box = plot.bbox;
    this.labels = [];
    context.save();
    context.beginPath();
    context.rect(this.box.left, this.box.top, this.box.width, this.box.height);
    context.clip();
    context.font = `${12 * this.ratio}px system-ui, sans-serif`;
    context.lineJoin = "round";
    this.#limits(context);
    this.#kernelPeaks(context);
    this.#scraped(context);
    this.#kills(context);
    this.#selection(context);
    // A word may lose a letter to a mark, but no mark to a word.
    for (const label of this.labels) this.#label(context, ...label);
    this.#spikes(context);
    context.restore();
  }

  #x(ns) { return this.plot.valToPos(ns, "x", true); }
  #y(bytes) { return this.plot.valToPos(bytes, "y", true); }
  // What lies far outside is drawn at the edge of the visible: canvases count in floats.
  #clampX(ns) {
    return Math.min(Math.max(this.#x(ns), this.box.left - 10), this.box.left + this.box.width + 10);
  }

  #line(context, color, width, dash, points) {
    context.strokeStyle = color;
    context.lineWidth = width * this.ratio;
    context.setLineDash(dash.map((length) => length * this.ratio));
    context.beginPath();
    points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
    context.setLineDash([]);
  }

  // Text with a halo, so that it is read over lines.
  #label(context, text, x, y, color, align = "left") {
    context.textAlign = align;
    context.textBaseline = "middle";
    context.lineWidth = 4 * this.ratio;
    context.strokeStyle = this.chart.colors().paper;
    context.strokeText(text, x, y);
    context.fillStyle = color;
    context.fillText(text, x, y);
  }

  // Above the marks that stand on the line.
  #lineLabel(text, x, y, color, align) {
    if (y > this.box.top + this.box.height) return;
    const shown = y < this.box.top ? `${text} ↑ above this view` : text;
    this.labels.push([shown, x, Math.max(y - 27 * this.ratio, this.box.top + 9 * this.ratio), color, align]);
  }

  // Each piece says its height, where there is room for words.
  #limits(context) {
    const color = this.chart.colors().limit;
    let told = null;
    for (const { from, until, bytes } of this.#limitPieces()) {
      const [x, y] = [this.#clampX(from), this.#y(bytes)];
      this.#line(context, color, 2, [9, 5], [[x, y], [this.#clampX(until), y]]);
      if (bytes === told) continue;
      told = bytes;
      this.#lineLabel(`limit ${formatBytes(bytes)}`, Math.max(x, this.box.left) + 8 * this.ratio, y, color, "left");
    }
  }

  #limitPieces() {
    const pieces = [];
    for (const life of this.chart.timeline.lives) {
      life.limits.forEach(([since, bytes], i) => {
        const from = Math.max(since, life.firstNs);
        const until = i + 1 < life.limits.length ? life.limits[i + 1][0] : life.lastNs;
        if (bytes !== null && until >= this.chart.view.lo && from <= this.chart.view.hi) pieces.push({ from, until, bytes });
      });
    }
    return pieces;
  }

  #kernelPeaks(context) {
    const color = this.chart.colors().faint;
    let told = null;
    for (const life of this.chart.timeline.lives) {
      const { kernelPeakBytes: bytes } = life;
      if (bytes === null || life.lastNs < this.chart.view.lo || life.firstNs > this.chart.view.hi) continue;
      const y = this.#y(bytes);
      this.#line(context, color, 1.5, [2, 4], [[this.#clampX(life.firstNs), y], [this.#clampX(life.lastNs), y]]);
      told = [bytes, Math.min(this.#clampX(life.lastNs), this.box.left + this.box.width), y];
    }
    if (told === null) return;
    const [bytes, right, y] = told;
    this.#lineLabel(`kernel's peak ${formatBytes(bytes)}`, right - 8 * this.ratio, y, color, "right");
  }

  // A scraper's readings are squares on a dash-dotted line, where they do not run together.
  #scraped(context) {
    if (this.chart.scraped === null) return;
    const color = this.chart.colors().scraped;
    const margin = this.chart.scraper.periodNs;
    const squares = this.#x(margin) - this.#x(0) > MARK_SPACING * this.ratio;
    let run = [];
    const flush = () => {
      if (run.length > 0) this.#line(context, color, 2, [7, 3, 2, 3], run);
      run = [];
    };
    for (const [ns, bytes] of this.chart.scraped) {
      if (ns < this.chart.view.lo - margin || ns > this.chart.view.hi + margin) continue;
      if (bytes === null) flush();
      else run.push([this.#x(ns), this.#y(bytes)]);
      if (bytes === null || !squares) continue;
      const half = 3.5 * this.ratio;
      context.fillStyle = color;
      context.fillRect(this.#x(ns) - half, this.#y(bytes) - half, 2 * half, 2 * half);
    }
    flush();
  }

  // A kill is a cross on a line from top to bottom.
  #kills(context) {
    const color = this.chart.colors().alarm;
    let free = -Infinity;
    for (const kill of this.chart.subject.kills) {
      if (kill.ns < this.chart.view.lo || kill.ns > this.chart.view.hi) continue;
      const x = this.#x(kill.ns);
      const y = Math.max(this.#y(kill.usage_bytes), this.box.top + 8 * this.ratio);
      this.#line(context, color, 1.5, [1, 3], [[x, this.box.top], [x, this.box.top + this.box.height]]);
      const arm = 6 * this.ratio;
      this.#line(context, this.chart.colors().paper, 6, [], [[x - arm, y - arm], [x + arm, y + arm]]);
      this.#line(context, this.chart.colors().paper, 6, [], [[x + arm, y - arm], [x - arm, y + arm]]);
      this.#line(context, color, 3, [], [[x - arm, y - arm], [x + arm, y + arm]]);
      this.#line(context, color, 3, [], [[x + arm, y - arm], [x - arm, y + arm]]);
      const right = x + 80 * this.ratio < this.box.left + this.box.width;
      if (x < free + (right ? 0 : 80 * this.ratio)) continue;
      this.#label(context, "OOM kill", x + (right ? 9 : -9) * this.ratio,
        this.box.top + this.box.height - 12 * this.ratio, color, right ? "left" : "right");
      free = x + 80 * this.ratio;
    }
  }

  // Triangles above the peaks, the highest of those that would cover each other. A killed spike's is full.
  #spikes(context) {
    this.shown = [];
    const { view, selected } = this.chart;
    const taken = new Map();
    for (const row of this.chart.rows) {
      const spike = row.spike;
      if (spike.peakNs < view.lo || spike.peakNs > view.hi) continue;
      const x = this.#x(spike.peakNs);
      const cell = Math.floor(x / (MARK_SPACING * this.ratio));
      const other = taken.get(cell);
      if (other && (other.row === selected || (row !== selected && other.row.spike.height >= spike.height))) continue;
      taken.set(cell, { row, x, y: this.#y(spike.peakBytes) });
    }
    this.shown = [...taken.values()];
    for (const { row, x, y } of this.shown) this.#triangle(context, x, y, row.spike, row === selected);
  }

  #triangle(context, x, y, spike, selected) {
    const colors = this.chart.colors();
    const size = (selected ? 8 : 5.5) * this.ratio;
    const tip = Math.max(y - 4 * this.ratio, this.box.top + 1.8 * size);
    context.beginPath();
    context.moveTo(x, tip);
    context.lineTo(x - size, tip - 1.5 * size);
    context.lineTo(x + size, tip - 1.5 * size);
    context.closePath();
    context.fillStyle = spike.outcome === "oom_kill" ? colors.alarm : selected ? colors.ink : colors.paper;
    context.fill();
    context.lineWidth = 1.75 * this.ratio;
    context.strokeStyle = spike.outcome === "oom_kill" ? colors.alarm : colors.ink;
    context.stroke();
  }

  // The chosen spike: its height as an upright, its width at half of it.
  #selection(context) {
    const row = this.chart.selected;
    if (row === null) return;
    const { spike } = row;
    const color = this.chart.colors().ink;
    const [x, top, base] = [this.#clampX(spike.peakNs), this.#y(spike.peakBytes), this.#y(spike.peakBytes - spike.height)];
    this.#line(context, color, 1, [3, 3], [[x, top], [x, base]]);
    const life = this.chart.timeline.lifeAt(spike.peakNs);
    if (life === null) return;
    const half = spike.peakBytes - spike.height / 2;
    const [left, right] = life.crossings(spike.peakNs, half).map((ns) => this.#clampX(ns));
    const y = this.#y(half);
    const tick = 5 * this.ratio;
    this.#line(context, color, 2, [], [[left, y], [right, y]]);
    for (const end of [left, right]) this.#line(context, color, 2, [], [[end, y - tick], [end, y + tick]]);
    if (right - left > 20 * this.ratio) {
      this.#label(context, `width ${formatDuration(spike.widthNs)}`, right + 8 * this.ratio, y, color);
    }
  }
}
