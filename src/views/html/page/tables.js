// Facts, tables and histograms.

// [[label, text, tone], …]; without a label it goes on with the one before.
function factList(facts) {
  const list = el("dl.facts");
  for (const [label, text, tone] of facts) {
    if (label !== "" || list.lastChild === null) list.append(el("dt", {}, label));
    list.append(el(`dd.${tone}`, {}, text));
  }
  return list;
}

function remarkList(remarks) {
  if (remarks.length === 0) return null;
  return el("ul.remarks", {}, ...remarks.map(([, text, tone]) => el(`li.${tone}`, {}, text)));
}

// columns: [[title, "number" or ""], …]; a cell is text or a node.
function table(caption, columns, rows) {
  const head = columns.map(([title, kind]) => el(kind ? `th.${kind}` : "th", { scope: "col" }, title));
  const body = rows.map((cells) =>
    el("tr", {}, ...cells.map((cell, i) => el(columns[i][1] ? `td.${columns[i][1]}` : "td", {}, cell))));
  return el("div.scroll", { tabindex: 0, role: "region", "aria-label": caption },
    el("table", {}, el("caption.hidden", {}, caption), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
}

// A list that may be long: `step` items at first, and as many more at each click.
function inSteps(all, step, render) {
  const box = el("div");
  let shown = step;
  const update = () => {
    const more = all.length - shown;
    fill(box, [render(all.slice(0, shown)),
      more <= 0 ? null : el("p.more", {}, button(`show ${formatCount(Math.min(more, 10 * step))} more of ${formatCount(more)}`,
        "There are more rows", () => {
          shown += 10 * step;
          update();
        }))]);
  };
  update();
  return box;
}

function killTable(subject, clock) {
  const columns = [["time (UTC)", ""], ["process", ""], ["pid", "number"], ["usage", "number"], ["limit", "number"],
    ["anon", "number"], ["file", "number"], ["shmem", "number"], ["score adj", "number"], ["asked by", ""], ["cause", ""]];
  const row = (kill) => [clock.format(kill.ns), el("strong", {}, kill.comm || '""'), String(kill.pid), bytesOf(kill.usage_bytes),
    bytesOf(kill.limit_bytes), bytesOf(kill.anon_bytes), bytesOf(kill.file_bytes), bytesOf(kill.shmem_bytes),
    String(kill.score_adj), killAsker(kill), killCause(kill)];
  const count = subject.kills.length;
  return el("div", {}, el("h3", {}, `✖ ${formatCount(count)} OOM kill${count === 1 ? "" : "s"}`),
    inSteps(subject.kills, 20, (kills) => table("OOM kills", columns, kills.map(row))),
    remarkList(subject.kill_remarks));
}

// Whose charge failed: it need not be the one that died.
function killAsker(kill) {
  if (kill.asked_pid === null) return "";
  return kill.asked_pid === kill.pid ? "itself" : `${kill.asked || '""'} (${kill.asked_pid})`;
}

function killCause(kill) {
  const source = kill.known ? "the kernel says so" : "inferred from usage and limits";
  const others = kill.victims.length < 2 ? "" :
    `; killed together: ${kill.victims.map(([pid, comm]) => `${comm} (${pid})`).join(", ")}`;
  return el("span", { title: source }, `${kill.cause}${others}`);
}

function processTable(subject) {
  if (subject.processes.length === 0) return null;
  const share = (pages) => `${((pages * 100) / Math.max(1, subject.pages)).toFixed(1)}${NBSP}%`;
  const rows = subject.processes.map(([comm, pid, pages]) => [comm || '""', String(pid), formatCount(pages), share(pages)]);
  if (subject.other_pages > 0) rows.push(["others", "", formatCount(subject.other_pages), share(subject.other_pages)]);
  return el("div", {}, el("h3", {}, "Who allocated ", el("small", {}, `${formatCount(subject.pages)} pages in all`)),
    inSteps(rows, 10, (some) =>
      table("Allocations by process", [["process", ""], ["pid", "number"], ["pages", "number"], ["share", "number"]], some)));
}

function histogram(data) {
  const most = Math.max(1, ...data.bins.map(([, count]) => count));
  const value = data.unit === "bytes" ? formatBytes : data.unit === "ns" ? formatDuration : String;
  const rows = withoutGaps(data.bins).map(([label, count]) => {
    const bar = el("span.bar");
    bar.style.width = `${(100 * count) / most}%`;
    return el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, count === 0 ? null : bar, el("span.count", {}, count === 0 ? "" : formatCount(count))));
  });
  const summary = ["p50", "p90", "p99", "max"].map((name) => `${name}${NBSP}${value(data[name])}`).join("  ");
  return el("figure.histogram", {},
    el("figcaption", {}, el("strong", {}, data.title), ` ${formatCount(data.count)} ${data.noun}s`, el("br"), el("small", {}, summary)),
    data.bins.length < 2 ? null : el("table", {}, el("tbody", {}, ...rows)));
}

// A long way to the next value is one row.
function withoutGaps(bins) {
  const MIN_GAP = 3;
  const rows = [];
  for (let i = 0; i < bins.length; ++i) {
    const next = bins.findIndex(([, count], at) => at >= i && count > 0);
    if (next - i >= MIN_GAP) {
      rows.push(["⋮", 0]);
      i = next;
    }
    rows.push(bins[i]);
  }
  return rows;
}

function histograms(subject) {
  if (subject.histograms.length === 0) return null;
  return el("div.histograms", {}, ...subject.histograms.map(histogram));
}
