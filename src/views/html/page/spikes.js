// The table of bursts (to the reader: spikes), and the card of the chosen one.

const OUTCOMES = { fell: "fell", oom_kill: "✖ OOM kill", ongoing: "still up", removed: "removed" };

function spikeOf([peakNs, peakBytes, height, riseNs, widthNs, leftNs, rightNs, headroom, outcome, isLevel,
  refused, throttled, stalls, stalledNs, longestStallNs, grown, allocated, prominence]) {
  return { peakNs, peakBytes, height, riseNs, widthNs, leftNs, rightNs, headroom, outcome, isLevel,
    refused, throttled, stalls, stalledNs, longestStallNs, grown, allocated, prominence };
}

function spikeRows(subject) {
  return subject.spikes.map((spike, number) => ({ number, spike: spikeOf(spike) }));
}

function outcomeOf(row) {
  return OUTCOMES[row.spike.outcome];
}

// "8 bursts, 1 level": what a memcg lives at is no burst.
function burstsOf(subject, rows) {
  const levels = rows.filter((row) => row.spike.isLevel).length;
  const some = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
  const parts = levels === 0 || subject.bursts_total > 0 ? [some(subject.bursts_total, "burst")] : [];
  return [...parts, ...(levels > 0 ? [some(levels, "level")] : [])].join(", ");
}

const SPIKE_COLUMNS = [
  ["time (UTC)", (spike) => -spike.peakNs],
  ["peak", (spike) => spike.peakBytes],
  ["height", (spike) => spike.height],
  ["rise", (spike) => spike.riseNs],
  ["width", (spike) => spike.widthNs],
  ["headroom", (spike) => -(spike.headroom ?? Infinity)],
];
const STALLS_COLUMN = ["stalls", (spike) => spike.stalledNs];
const SPIKES_AT_FIRST = 20;

// A click on a row shows that spike in the chart; a click on a title sorts by it, what is worst first.
class SpikeTable {
  constructor(subject, rows, clock, minProminence, pick) {
    Object.assign(this, { subject, rows, clock, pick, selected: null });
    this.hasStalls = rows.some((row) => row.spike.stalls > 0);
    this.columns = this.hasStalls ? [...SPIKE_COLUMNS, STALLS_COLUMN] : SPIKE_COLUMNS;
    this.column = rows.length > SPIKES_AT_FIRST ? 2 : 0;
    this.body = el("div");
    this.node = el("div", {}, el("h3", {}, `▼ ${burstsOf(subject, rows)} `, el("small", {}, `at least ${formatBytes(minProminence)} high`)),
      this.body, this.#footnotes());
    this.#render();
  }

  #footnotes() {
    const notes = [];
    if (this.rows.some((row) => row.spike.isLevel)) {
      notes.push("* it took more than half of the time: a level to live at, which counts as no burst");
    }
    if (this.subject.bursts_total > this.rows.length) notes.push("the oldest bursts are in the histograms only");
    return notes.length === 0 ? null : el("ul.remarks", {}, ...notes.map((note) => el("li.faint", {}, note)));
  }

  #render() {
    const by = this.columns[this.column][1];
    const sorted = [...this.rows].sort((a, b) => by(b.spike) - by(a.spike) || a.number - b.number);
    this.lines = new Map();
    fill(this.body, [inSteps(sorted, SPIKES_AT_FIRST, (rows) => this.#table(rows))]);
  }

  #table(rows) {
    const head = this.columns.map(([title], i) =>
      el(i === 0 ? "th" : "th.number", { scope: "col", "aria-sort": i === this.column ? (i === 0 ? "ascending" : "descending") : null },
        button(i === this.column ? `${title} ▾` : title, `Sort by ${title}`, () => {
          this.column = i;
          this.#render();
        })));
    const body = rows.map((row) => this.#line(row));
    return el("div.scroll", {},
      el("table.spikes", {}, el("caption.hidden", {}, "Bursts"), el("thead", {}, el("tr", {}, ...head, el("th", { scope: "col" }, "outcome"))),
        el("tbody", {}, ...body)));
  }

  #line(row) {
    const { spike } = row;
    const star = spike.isLevel ? "*" : "";
    const line = el(spike.outcome === "oom_kill" ? "tr.alarm" : "tr", { onclick: () => this.pick(row) },
      el("td", {}, button(this.clock.format(spike.peakNs), "Show this spike in the chart", (event) => {
        event.stopPropagation();
        this.pick(row);
      })),
      el("td.number", {}, el("strong", {}, bytesOf(spike.peakBytes))),
      el("td.number", {}, bytesOf(spike.height), star),
      el("td.number", {}, durationOf(spike.riseNs), star),
      el("td.number", {}, durationOf(spike.widthNs), star),
      el("td.number", {}, bytesOf(spike.headroom)),
      this.hasStalls ? el("td.number", {}, ...stallsOf(spike)) : null,
      el("td", {}, outcomeOf(row)));
    this.lines.set(row, line);
    this.#mark(row, line);
    return line;
  }

  #mark(row, line) {
    line.classList.toggle("selected", row === this.selected);
    if (row === this.selected) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }

  select(row) {
    this.selected = row;
    for (const [each, line] of this.lines) this.#mark(each, line);
  }
}

// How many, how long together, and the longest.
function stallsOf(spike) {
  if (spike.stalls === 0) return [];
  const longest = spike.stalls === 1 ? [] : [el("small", {}, " longest ", durationOf(spike.longestStallNs))];
  return [`${formatCount(spike.stalls)}× `, durationOf(spike.stalledNs), ...longest];
}

// Everything about one spike, in numbers.
function spikeCard(row, count, clock) {
  const { spike } = row;
  const facts = [
    ["peak", [bytesOf(spike.peakBytes), el("small", {}, ` ${exactBytes(spike.peakBytes)}`)]],
    ["height", [bytesOf(spike.height), el("small", {}, " above its floor")]],
    ["rise", [durationOf(spike.riseNs), el("small", {}, " from its floor to where it arrives")]],
    ["width", [durationOf(spike.widthNs), el("small", {}, " above half of the height")]],
    ["headroom", [bytesOf(spike.headroom, "no limit"), el("small", {}, spike.headroom === null ? "" : " to the nearest limit")]],
    ["outcome", [outcomeOf(row)]],
  ];
  if (spike.prominence !== null && Math.abs(spike.prominence - spike.height) > spike.height / 100) {
    facts.push(["prominence", [bytesOf(spike.prominence), el("small", {}, " as find_peaks has it")]]);
  }
  if (spike.grown !== "") facts.push(["grew by", [el("small", {}, spike.grown)]]);
  if (spike.allocated !== null) {
    const [user, kernel, other] = spike.allocated.map((bytes) => bytesOf(bytes));
    facts.push(["allocated", [el("small", {}, `user pages ${user}, kernel ${kernel}, other ${other} (by gfp flags)`)]]);
  }
  if (spike.refused > 0) facts.push(["limit hit", [`${formatCount(spike.refused)}×`, el("small", {}, " charges refused")]]);
  if (spike.throttled > 0) facts.push(["memory.high", [`${formatCount(spike.throttled)}×`, el("small", {}, " charges throttled")]]);
  if (spike.stalls > 0) {
    facts.push(["tasks stalled", [`${formatCount(spike.stalls)}×`,
      el("small", {}, " ", durationOf(spike.stalledNs), " in all, the longest ", durationOf(spike.longestStallNs))]]);
  }
  if (!spike.isLevel) {
    facts.push(["seen by a scraper", [chanceText(spike.widthNs, 15e9),
      el("small", {}, ` if it reads every 15 s, ${chanceText(spike.widthNs, 30e9)} if every 30 s`)]]);
  }
  return el(spike.outcome === "oom_kill" ? "div.card.alarm" : "div.card", {},
    el("h4", {}, `Burst ${row.number + 1} of ${formatCount(count)} `, el("small", {}, `${clock.format(spike.peakNs, 9)} UTC`)),
    el("dl", {}, ...facts.flatMap(([name, nodes]) => [el("div", {}, el("dt", {}, name), el("dd", {}, ...nodes))])));
}
