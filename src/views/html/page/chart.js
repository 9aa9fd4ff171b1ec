// The timeline of a subject: a view that zooms from the whole recording to a microsecond.

const MIN_VIEW_NS = 1000;
const CLICK_PIXELS = 5;  // a mouse that moved less has clicked, not dragged

class Chart {
  constructor(node, { subject, timeline, stalls, rows, clock, durationNs, colors, onPick, onView, onHover }) {
    Object.assign(this, { node, subject, timeline, stalls, rows, clock, durationNs, colors, onPick, onView, onHover });
    const margin = 0.01 * Math.max(1, timeline.lastNs - timeline.firstNs);
    this.whole = { lo: timeline.firstNs - margin, hi: timeline.lastNs + margin };
    this.view = { ...this.whole };
    this.selected = null;  // a row of the table of spikes
    this.fits = false;     // the height shows what is in view, not all from 0
    this.scraper = { periodNs: 0, phaseNs: 0 };
    this.scraped = null;
    this.marks = new Marks(this);
    this.lane = stalls.count === 0 ? null : new Lane(this, stalls);
    this.#create();
  }

  #create() {
    const options = {
      ...this.#size(),
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: CLICK_PIXELS },
        points: { show: false },
        y: false,
        bind: { dblclick: () => () => this.reset() },
      },
      scales: {
        x: { time: false, range: () => [this.view.lo, this.view.hi] },
        y: { range: () => this.#heightRange() },
      },
      axes: [timeAxis(this.clock, this.colors, this.lane === null ? 0 : LANE_SIZE), byteAxis(this.colors)],
      series: [{}, {
        stroke: () => this.colors().usage,
        fill: () => this.colors().usageFill,
        fillTo: (plot) => plot.scales.y.min,
        width: 1.75,
        points: { show: false },
      }],
      hooks: {
        draw: [(plot) => this.marks.draw(plot), (plot) => this.lane?.draw(plot)],
        setSelect: [(plot) => this.#zoomToSelection(plot)],
        setCursor: [(plot) => this.#hover(plot, plot.cursor.left ?? -1)],
      },
    };
    this.plot = new uPlot(options, this.#data(), this.node);
    this.#listen(this.plot.over);
    new ResizeObserver(() => this.#resize()).observe(this.node);
  }

  #size() {
    return { width: Math.max(280, this.node.clientWidth), height: Math.max(260, Math.min(420, innerHeight * 0.45)) };
  }

  #resize() {
    const size = this.#size();
    if (size.width === this.plot.width) return;
    this.plot.setSize(size);
    this.redraw();
  }

  // A column for each pixel of the canvas.
  #data() {
    const width = this.plot ? this.plot.bbox.width : this.#size().width * devicePixelRatio;
    return this.timeline.points(this.view.lo, this.view.hi, Math.max(50, Math.round(width)));
  }

  redraw() {
    this.plot.setData(this.#data());
    this.onView(this);
  }

  // Colours changed, and nothing else.
  repaint() { this.plot.redraw(false, true); }

  // From 0 to a limit that is not too far above; or what is in view, whatever it is.
  #heightRange() {
    if (this.fits) return this.#fittingRange();
    const { peak_bytes: peak } = this.subject;
    let top = peak;
    for (const life of this.timeline.lives) {
      for (const [, limit] of life.limits) if (limit !== null && limit <= 4 * peak) top = Math.max(top, limit);
      if (life.kernelPeakBytes !== null && life.kernelPeakBytes <= 2 * peak) top = Math.max(top, life.kernelPeakBytes);
    }
    return [0, Math.max(4096, top * 1.12)];
  }

  #fittingRange() {
    const seen = this.timeline.extremes(this.view.lo, this.view.hi) ?? { min: 0, max: 4096 };
    const margin = Math.max(2048, (seen.max - seen.min) * 0.15);
    return [Math.max(0, seen.min - margin), seen.max + margin];
  }

  setView(lo, hi) {
    let width = Math.min(Math.max(hi - lo, MIN_VIEW_NS), this.whole.hi - this.whole.lo);
    width = Math.max(width, MIN_VIEW_NS);
    const middle = (lo + hi) / 2;
    lo = Math.min(Math.max(middle - width / 2, this.whole.lo), Math.max(this.whole.lo, this.whole.hi - width));
    this.view = { lo, hi: lo + width };
    this.redraw();
  }

  zoom(factor, around = (this.view.lo + this.view.hi) / 2) {
    const { lo, hi } = this.view;
    const share = (around - lo) / (hi - lo);
    const width = Math.max((hi - lo) / factor, MIN_VIEW_NS);
    this.setView(around - share * width, around + (1 - share) * width);
  }

  pan(share) {
    const step = share * (this.view.hi - this.view.lo);
    this.setView(this.view.lo + step, this.view.hi + step);
  }

  reset() {
    this.selected = null;
    this.fits = false;
    this.view = { ...this.whole };
    this.redraw();
    this.onPick(null);
  }

  setFits(fits) {
    this.fits = fits;
    this.redraw();
  }

  // Shows a spike from the first page of its rise, with half as much again on both sides.
  select(row) {
    const { spike } = row;
    const life = this.timeline.lifeAt(spike.peakNs);
    // What rose over its whole life ends with a burst, too: from where it lives.
    const base = spike.peakBytes - spike.height;
    const half = (spike.peakBytes + base) / 2;
    const [left, hi] = life === null ? [spike.peakNs, spike.peakNs] : life.crossings(spike.peakNs, half);
    const lo = Math.min(left, spike.peakNs - spike.riseNs);
    const margin = Math.max((hi - lo) / 2, 2 * MIN_VIEW_NS);
    this.selected = row;
    this.fits = spike.height < 0.2 * this.#heightRangeFromZero();
    this.setView(lo - margin, hi + margin);
    this.onPick(row);
  }

  #heightRangeFromZero() {
    const fits = this.fits;
    this.fits = false;
    const [, top] = this.#heightRange();
    this.fits = fits;
    return top;
  }

  setScraper(periodNs, phaseNs) {
    this.scraper = { periodNs, phaseNs };
    this.scraped = periodNs === 0 ? null : scrape(this.timeline, this.durationNs, periodNs, phaseNs);
    this.redraw();
  }

  #zoomToSelection(plot) {
    const { left, width } = plot.select;
    if (width < CLICK_PIXELS) return;
    const [lo, hi] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.setView(lo, hi);
  }

  #hover(plot, left) {
    if (left < 0 || left > plot.over.clientWidth) return this.onHover(null);
    this.onHover({ lo: plot.posToVal(left - 0.5, "x"), ns: plot.posToVal(left, "x"), hi: plot.posToVal(left + 0.5, "x") });
  }

  #listen(over) {
    let down = null;
    over.addEventListener("mousedown", (event) => (down = [event.clientX, event.clientY]));
    over.addEventListener("click", (event) => {
      if (down === null || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > CLICK_PIXELS) return;
      const box = over.getBoundingClientRect();
      const row = this.rowAt(event.clientX - box.left, event.clientY - box.top);
      if (row !== null) this.select(row);
    });
    // uPlot follows the mouse over the timeline only: not over the lane and the axis below it.
    this.plot.root.addEventListener("mousemove", (event) => {
      const box = over.getBoundingClientRect();
      if (event.clientY > box.bottom) this.#hover(this.plot, event.clientX - box.left);
    });
    this.plot.root.addEventListener("mouseleave", () => this.onHover(null));
    over.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;  // the page scrolls
      event.preventDefault();
      const left = event.clientX - over.getBoundingClientRect().left;
      this.zoom(2 ** (-event.deltaY / 200), this.plot.posToVal(left, "x"));
    }, { passive: false });
  }

  // The spike whose mark is near, in CSS pixels of the plot.
  rowAt(left, top) {
    const ratio = devicePixelRatio;
    const [x, y] = [left * ratio + this.plot.bbox.left, top * ratio + this.plot.bbox.top];
    let best = null;
    for (const mark of this.marks.shown) {
      const distance = Math.hypot(mark.x - x, (Math.max(mark.y, this.plot.bbox.top + 14 * ratio) - 8 * ratio - y) / 2);
      if (distance < 14 * ratio && (best === null || distance < best.distance)) best = { distance, row: mark.row };
    }
    return best?.row ?? null;
  }
}
