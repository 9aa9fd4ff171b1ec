// The section about one container, pod or cgroup: its chart with the controls, and its tables.

const PERIODS = [["off", 0], ["15 s", 15e9], ["30 s", 30e9]];

class Section {
  constructor(subject, index, page) {
    Object.assign(this, { subject, page });
    this.rows = spikeRows(subject);
    this.timeline = Timeline.of(subject, index);
    this.stalls = new Stalls(subject.lives);
    this.table = this.rows.length === 0 ? null :
      new SpikeTable(subject, this.rows, page.clock, subject.min_height_bytes, (row) => this.select(row));
    this.node = el("div.section", {}, factList(subject.facts), this.#chartBox(index),
      this.#kills(),
      this.table?.node ?? null, histograms(subject), processTable(subject));
  }

  #kills() {
    const { subject, page } = this;
    const elsewhere = subject.kills.length === 0 || subject.kills_listed_below;
    return elsewhere ? remarkList(subject.kill_remarks) : killTable(subject, page.clock);
  }

  #chartBox(index) {
    if (this.timeline === null) return null;
    this.plotNode = el("div.plot", {
      tabindex: 0, role: "group", "aria-describedby": `keys-${index}`,
      "aria-label": `Usage of ${this.subject.label} over time, ${formatCount(this.rows.length)} bursts` +
        (this.stalls.count > 0 ? `, ${formatCount(this.stalls.count)} stalls in reclaim` : ""),
    });
    this.strip = el("canvas.overview", { "aria-hidden": "true", title: "The whole recording: drag the window" });
    this.readout = el("p.readout", {}, NBSP);
    this.stallReadout = this.stalls.count === 0 ? null : el("p.readout.stalled", {}, NBSP);
    this.viewText = el("span.view");
    this.card = el("div", { "aria-live": "polite" });
    return el("div.chart", {}, this.#toolbar(), this.plotNode, this.strip, this.readout, this.stallReadout, this.#legend(),
      el("p.keys", { id: `keys-${index}` }, ...this.#keyHelp()), this.card);
  }

  #keyHelp() {
    const keys = [["drag", "zoom"], ["←", ""], ["→", "spike by spike"], ["+", ""], ["−", "zoom"], ["0", "all"],
      ["Shift ← →", "move"], ["f", "fit height"], ["Ctrl wheel", "zoom"]];
    return keys.flatMap(([key, does]) => [el("kbd", {}, key), ` ${does} `]);
  }

  #toolbar() {
    this.fitBox = el("input", { type: "checkbox", onchange: () => this.chart.setFits(this.fitBox.checked) });
    return el("div.toolbar", {},
      el("span.group", {},
        button("◀ spike", "Previous spike (←)", () => this.step(-1), { disabled: this.rows.length === 0 }),
        button("spike ▶", "Next spike (→)", () => this.step(1), { disabled: this.rows.length === 0 })),
      el("span.group", {},
        button("+", "Zoom in (+)", () => this.chart.zoom(2)),
        button("−", "Zoom out (−)", () => this.chart.zoom(0.5)),
        button("all", "Show the whole recording (0 or Esc)", () => this.chart.reset())),
      el("label", {}, this.fitBox, " fit height"),
      this.#scraperControls(),
      this.viewText);
  }

  // The phase is the reader's to choose: when the first scrape comes after the recording's start.
  #scraperControls() {
    const phase = el("input", {
      type: "range", min: 0, max: 100, value: 0, "aria-label": "When the scraper reads first",
      oninput: () => this.#scrape(),
    });
    this.phase = phase;
    this.phaseText = el("output");
    this.phaseBox = el("label.phase", {}, "first at ", phase, this.phaseText);
    this.period = el("select", { "aria-label": "Draw what a scraper would have seen", onchange: () => this.#scrape() },
      ...PERIODS.map(([label, ns]) => el("option", { value: ns }, label)));
    return el("span.group", {}, el("label", {}, "a scraper's view ", this.period), this.phaseBox);
  }

  #scrape() {
    const periodNs = Number(this.period.value);
    const phaseNs = (periodNs * Number(this.phase.value)) / 101;
    this.phaseBox.hidden = periodNs === 0;
    this.phaseText.textContent = periodNs === 0 ? "" : ` +${phaseNs === 0 ? "0 s" : formatDuration(phaseNs)}`;
    this.chart.setScraper(periodNs, phaseNs);
    this.#legendOfScraper();
  }

  #legend() {
    this.scraperLegend = el("span.key.scraped", { hidden: true });
    const kills = this.subject.kills.length > 0;
    const limited = this.timeline.lives.some((life) => life.limits.some(([, bytes]) => bytes !== null));
    return el("p.legend", {}, el("span.key.usage", {}, "usage"), limited ? el("span.key.limit", {}, "limit") : null,
      el("span.key.kernel", {}, "the kernel's own peak"), this.rows.length > 0 ? el("span.key.spike", {}, "▽ spike") : null,
      kills ? el("span.key.kill", {}, "✖ OOM kill") : null,
      this.stalls.count > 0 ? el("span.key.stall", {}, "a task stalled in reclaim: the longer, the higher") : null, this.scraperLegend);
  }

  #legendOfScraper() {
    const scraped = this.chart.scraped;
    this.scraperLegend.hidden = scraped === null;
    if (scraped === null) return;
    const read = scraped.map(([, bytes]) => bytes).filter((bytes) => bytes !== null);
    const most = read.length === 0 ? "nothing" : `at most ${formatBytes(Math.max(...read))}`;
    fill(this.scraperLegend, [`■ a scraper every ${formatDuration(this.chart.scraper.periodNs).replace(".0", "")} saw ${most} in ${formatCount(read.length)} readings; the peak was ${formatBytes(this.subject.peak_bytes)}`]);
  }

  // Once the section is in the page, and has a width.
  show() {
    if (this.timeline === null || this.chart) return;
    this.chart = new Chart(this.plotNode, {
      subject: this.subject, timeline: this.timeline, stalls: this.stalls, rows: this.rows, clock: this.page.clock,
      durationNs: this.page.data.duration_ns, colors: () => this.page.colors(),
      onPick: (row) => this.#picked(row), onView: () => this.#viewed(), onHover: (at) => this.#hovered(at),
    });
    this.overview = new Overview(this.strip, this.chart);
    if (this.page.data.duration_ns >= 30e9) this.period.value = String(15e9);
    this.#scrape();
  }

  repaint() {
    if (!this.chart) return;
    this.chart.repaint();
    this.overview.draw();
  }

  select(row) {
    this.chart?.select(row);
    this.plotNode?.scrollIntoView({ block: "nearest" });
  }

  // The next spike after the chosen one; the first one in view when none is chosen.
  step(by) {
    if (!this.chart || this.rows.length === 0) return;
    const selected = this.chart.selected;
    const next = selected === null ? (by > 0 ? 0 : this.rows.length - 1) : selected.number + by;
    this.select(this.rows[Math.min(Math.max(next, 0), this.rows.length - 1)]);
  }

  #picked(row) {
    this.table?.select(row);
    fill(this.card, [row === null ? null : spikeCard(row, this.rows.length, this.page.clock)]);
  }

  #viewed() {
    const { lo, hi } = this.chart.view;
    const { clock } = this.page;
    const digits = Math.min(9, Math.max(0, digitsFor((hi - lo) / 100)));
    const from = Math.max(lo, this.timeline.firstNs);
    fill(this.viewText, [`${formatDuration(Math.min(hi, this.timeline.lastNs) - from)} from ${clock.format(from, digits)} UTC`]);
    this.fitBox.checked = this.chart.fits;
    this.overview?.draw();
  }

  #hovered(at) {
    fill(this.readout, at === null ? [NBSP] : this.#readings(at));
    if (this.stallReadout !== null) fill(this.stallReadout, [at === null ? NBSP : this.#stallsAt(at)]);
  }

  // A bar is wider than a pixel.
  #stallsAt({ lo, ns, hi }) {
    const reach = COLUMN * (hi - lo);
    const stalled = this.stalls.sum(ns - reach, ns + reach);
    return stalled === null ? NBSP : stallText(stalled);
  }

  #readings({ lo, ns, hi }) {
    const { clock } = this.page;
    const time = el("strong", {}, `${clock.format(ns, Math.min(9, Math.max(3, digitsFor(hi - lo))))} UTC`);
    const seen = this.timeline.extremes(lo, hi);
    if (seen === null) return [time, " – did not exist"];
    const life = this.timeline.lifeAt(ns);
    const limit = life === null ? null : life.limitAt(ns);
    const usage = seen.min === seen.max ? `${formatBytes(seen.max)} (${exactBytes(seen.max)})` :
      `${formatBytes(seen.min)} to ${formatBytes(seen.max)} (${exactBytes(seen.max)}) within ${formatDuration(hi - lo)}`;
    const room = limit === null ? "" : ` · ${formatBytes(Math.max(0, limit - seen.max))} below the limit`;
    return [time, ` · ${usage}${room}`];
  }

  // True when the key was meant for the chart.
  key(event) {
    if (!this.chart) return false;
    const actions = {
      ArrowLeft: () => (event.shiftKey ? this.chart.pan(-0.25) : this.step(-1)),
      ArrowRight: () => (event.shiftKey ? this.chart.pan(0.25) : this.step(1)),
      "+": () => this.chart.zoom(2),
      "=": () => this.chart.zoom(2),
      "-": () => this.chart.zoom(0.5),
      0: () => this.chart.reset(),
      Escape: () => this.chart.reset(),
      f: () => this.chart.setFits(!this.chart.fits),
    };
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    action();
    return true;
  }
}
