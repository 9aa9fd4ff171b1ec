// The page: who and when, the verdict, a section for each that has a story, the rest, how it was recorded.

const OPEN_SECTIONS = 10;  // more are folded, and made when they are opened
const COLORS = { ink: "ink", faint: "faint", grid: "grid", paper: "paper", usage: "usage", usageFill: "usage-fill",
  limit: "limit", scraped: "scraped", alarm: "alarm", shade: "shade", stall: "warn" };
const MARKS = { alarm: "✖", warn: "▲", good: "●", plain: "●", faint: "" };

class Page {
  constructor(data) {
    this.data = data;
    this.clock = new Clock(data.day_utc, data.ns_of_day, data.duration_ns);
    this.sections = [];
    this.readColors();
  }

  readColors() {
    this.palette = {};
    for (const [name, variable] of Object.entries(COLORS)) this.palette[name] = cssColor(variable);
  }

  colors() { return this.palette; }

  build(root) {
    const { data } = this;
    const told = new Set(data.order);
    const rest = data.subjects.map((_, i) => i).filter((i) => !told.has(i));
    root.append(this.#header(),
      ...data.order.map((index, nth) => this.#section(index, nth < OPEN_SECTIONS)),
      ...this.#rest(rest, data.order.length === 0),
      el("section", {}, el("h2", {}, "How it was recorded"), factList(data.footer)));
    this.#showOpen();
    document.addEventListener("keydown", (event) => this.#key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    this.#printLight();
  }

  #header() {
    const headlines = this.data.headlines.map(([tone, text, remark]) =>
      el(`li.${tone}`, {}, el("span.mark", { "aria-hidden": "true" }, MARKS[tone] ?? "●"),
        el("span", {}, text, ...(remark ? [el("span.remark", {}, remark)] : []))));
    return el("header", {},
      el("div.top", {}, el("div", {}, el("p.brand", {}, "memspike"), el("h1", {}, this.data.title), el("p.faint", {}, this.data.subtitle)),
        this.#themeButton()),
      el("ul.verdict", {}, ...headlines));
  }

  #themeButton() {
    const node = button("◐ light / dark", "Switch between light and dark", () => {
      const dark = getComputedStyle(document.documentElement).colorScheme === "dark" ||
        (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
      this.setTheme(dark ? "light" : "dark");
    });
    node.className = "theme";
    return node;
  }

  setTheme(theme) {
    if (theme === null) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.repaint();
  }

  repaint() {
    this.readColors();
    for (const section of this.sections) section.repaint();
  }

  // A chart is a picture: on paper it must have been drawn with dark ink.
  #printLight() {
    let before = null;
    addEventListener("beforeprint", () => {
      before = document.documentElement.dataset.theme ?? null;
      this.setTheme("light");
    });
    addEventListener("afterprint", () => this.setTheme(before));
  }

  // Made when it is opened: a pod may have had hundreds of containers.
  #section(index, open) {
    const subject = this.data.subjects[index];
    const mark = subject.tone === "alarm" ? "✖ " : subject.tone === "warn" ? "▲ " : "";
    const box = el(`details.subject.${subject.tone}`, { open },
      el("summary", {}, el("h2", {}, mark, subject.label), el("small", {}, ` peak ${formatBytes(subject.peak_bytes)}`,
        subject.limit_bytes === null ? "" : ` of ${formatBytes(subject.limit_bytes)}`,
        this.data.order.includes(index) ? "" : `, ${subject.remark}`)));
    box.addEventListener("toggle", () => this.#open(box, subject, index));
    box.make = () => this.#open(box, subject, index);
    return box;
  }

  #open(box, subject, index) {
    if (!box.open || box.section) return;
    box.section = new Section(subject, index, this);
    this.sections.push(box.section);
    box.append(box.section.node);
    box.section.show();
  }

  #showOpen() {
    for (const box of document.querySelectorAll("details.subject[open]")) box.make();
  }

  #rest(indices, isAll) {
    if (indices.length === 0) return [];
    return [el("h2.rest", {}, isAll ? "What was watched" : "The rest"),
      ...indices.map((index) => this.#section(index, isAll && indices.length <= 3))];
  }

  // Keys go to the chart that has the focus, else to the first one.
  #key(event) {
    if (event.target.closest("input[type=range], select, textarea")) return;
    const focused = event.target.closest("details.subject")?.section;
    const section = focused ?? this.sections[0];
    if (section?.key(event)) event.preventDefault();
  }
}

function start() {
  const began = performance.now();
  document.getElementById("as-text").open = false;
  const page = new Page(JSON.parse(document.getElementById("data").textContent));
  page.build(document.getElementById("page"));
  page.firstDrawMs = performance.now() - began;
  globalThis.memspike = page;  // for those who look under the hood, and for tests
}

start();
