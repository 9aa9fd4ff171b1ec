// Puts the page together: one style, one script, their hashes in the Content-Security-Policy. Writes
// it as C++, cut at the places where the report goes in.
//
//   node bundle.mjs PAGE_DIR UPLOT_DIR OUTPUT.cpp
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [pageDir, uplotDir, output] = process.argv.slice(2);
const SCRIPTS = ["units", "dom", "pyramid", "timeline", "stalls", "scraper", "axes", "marks", "lane", "chart", "overview", "tables",
  "spikes", "section", "main"];
const SLOTS = ["title", "text", "data", "timelines"];
const MAX_LITERAL = 30_000;  // compilers must take at least 65,536 characters

const read = (dir, name) => readFileSync(join(dir, name), "utf8").trim();

function script() {
  const license = read(uplotDir, "LICENSE").replaceAll("*/", "* /");
  const own = SCRIPTS.map((name) => read(pageDir, `${name}.js`)).join("\n\n");
  return `/*\nuPlot, which draws the charts:\n${license}\n*/\n${read(uplotDir, "dist/uPlot.iife.min.js")}\n` +
    `(() => {\n"use strict";\n${own}\n})();`;
}

function style() {
  return `${read(uplotDir, "dist/uPlot.min.css")}\n${read(pageDir, "page.css")}`;
}

// What the browser hashes is the element's text, to the byte.
function hashOf(text) {
  return `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
}

function mustNotHold(text, ends, what) {
  for (const end of ends) {
    if (text.toLowerCase().includes(end)) throw new Error(`the ${what} holds ${end}, which would end its element`);
  }
  return text;
}

function page() {
  const js = mustNotHold(script(), ["</script", "<!--"], "script");
  const css = mustNotHold(style(), ["</style"], "style");
  const csp = `default-src 'none'; script-src ${hashOf(js)}; style-src ${hashOf(css)}; img-src data:; ` +
    "base-uri 'none'; form-action 'none'";
  const parts = { csp, style: css, script: js };
  return read(pageDir, "page.html").replace(/\{\{(csp|style|script)\}\}/g, (_, name) => parts[name]) + "\n";
}

// C++ source: [text, slot] pairs, long texts in several.
function pieces(html) {
  const cut = html.split(new RegExp(`\\{\\{(${SLOTS.join("|")})\\}\\}`));
  const found = cut.filter((_, i) => i % 2 === 1);
  if (found.join() !== SLOTS.join()) throw new Error(`page.html has the slots ${found}, not ${SLOTS}`);
  const result = [];
  for (let i = 0; i < cut.length; i += 2) {
    for (let at = 0; at < cut[i].length; at += MAX_LITERAL) result.push([cut[i].slice(at, at + MAX_LITERAL), "none"]);
    if (i + 1 < cut.length) result.push(["", cut[i + 1]]);
  }
  return result;
}

const rows = pieces(page()).map(([text, slot]) => {
  if (text.includes(')html"')) throw new Error('the page holds )html"');
  return `    {R"html(${text})html", Slot::${slot}},\n`;
});
writeFileSync(output, `// Made by bundle.mjs.
#include "views/html/html.h"

namespace memspike::views {
namespace {

constexpr Piece kPage[] = {
${rows.join("")}};

}  // namespace

std::span<const Piece> built_in_page() { return kPage; }

}  // namespace memspike::views
`);
