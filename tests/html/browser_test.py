"""Opens HTML reports in a headless Chromium, and does what a reader does.

    browser_test.py MAKE_PAGES DIRECTORY
"""
import base64
import pathlib
import statistics
import subprocess
import sys

from browser import Browser

MAX_BYTES = 15 << 20       # of a page with a million samples
MAX_FIRST_DRAW_MS = 3000   # of the same: unpack, index, draw
MAX_REDRAW_MS = 100        # at any zoom, the median
MIB = 1 << 20

CHART = "memspike.sections[0].chart"
# Rows of the line as it is drawn, and rows as they are: the highest in each pixel's column of a view.
HIDDEN_PEAKS = """((widths) => {
  const chart = memspike.sections[0].chart, life = chart.timeline.lives[0];
  const columns = Math.round(chart.plot.bbox.width);
  let views = 0, hidden = 0;
  for (const width of widths) for (const spike of chart.rows.slice(0, 5)) for (const share of [0.5, 0.03]) {
    chart.setView(spike.spike.peakNs - share * width, spike.spike.peakNs + (1 - share) * width);
    const { lo, hi } = chart.view, column = (ns) => Math.min(columns - 1, Math.floor((ns - lo) / (hi - lo) * columns));
    const drawn = new Map();
    const [xs, ys] = chart.plot.data;
    xs.forEach((ns, i) => drawn.set(column(ns), Math.max(drawn.get(column(ns)) ?? 0, ys[i])));
    for (let i = 0; i < life.ns.length; ++i) {
      if (life.ns[i] < lo || life.ns[i] > hi) continue;
      if (life.bytes[i] > (drawn.get(column(life.ns[i])) ?? -1)) ++hidden;
    }
    ++views;
  }
  return { views, hidden };
})"""
REDRAWS = """(async () => {
  const chart = memspike.sections[0].chart, times = [];
  const { lo, hi } = chart.whole;
  for (let i = 0; i < 40; ++i) {
    const width = (hi - lo) / 2 ** (i % 8), began = performance.now();
    chart.setView(lo + (i * 7919 % 40) / 40 * (hi - lo - width), lo + (i * 7919 % 40) / 40 * (hi - lo - width) + width);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - began);
  }
  return times;
})()"""

# In each view, the highest pixel of the lane at the longest stall, and of the lane at all, as heights above its floor.
LONGEST_STALL = """((widths) => {
  const chart = memspike.sections[0].chart, { plot, stalls, view: { lo, hi } } = chart;
  const longest = stalls.marks.find((mark) => mark.longestNs === stalls.longestNs);
  const ns = longest.longestEndNs - longest.longestNs / 2, heights = [];
  const color = chart.colors().stall.match(/\\d+/g).map(Number);
  const { left, top, width: pixels, height } = plot.bbox;
  const copy = new OffscreenCanvas(pixels, LANE).getContext("2d", { willReadFrequently: true });
  for (const width of widths) {
    chart.setView(ns - width / 2, ns + width / 2);
    plot.redraw(false);
    copy.clearRect(0, 0, pixels, LANE);
    copy.drawImage(plot.ctx.canvas, left, top + height, pixels, LANE, 0, 0, pixels, LANE);
    const lane = copy.getImageData(0, 0, pixels, LANE), tall = (from, to) => {
      for (let y = 0; y < LANE; ++y) for (let x = from; x < to; ++x) {
        if (color.every((c, i) => Math.abs(c - lane.data[4 * (y * pixels + x) + i]) < 9)) return LANE - y;
      }
      return 0;
    };
    const x = Math.round(plot.valToPos(ns, "x", true) - left);
    heights.push([tall(Math.max(0, x - 3), x + 3), tall(0, pixels)]);
  }
  chart.setView(lo, hi);
  return heights;
})"""


def check(truth, what):
    if not truth:
        raise AssertionError(what)


class Page:
    """A report under test."""

    def __init__(self, browser, directory, name):
        self.browser = browser
        self.name = name
        self.path = directory / f"{name}.html"
        browser.open(self.path)
        self.is_silent()

    def run(self, expression):
        return self.browser.run(expression)

    def is_silent(self):
        complaints = self.browser.complaints
        check(not complaints, f"{self.name}: the console says {complaints}")
        strangers = [url for url in self.browser.requests if not url.startswith(("data:", f"file://{self.path}"))]
        check(not strangers, f"{self.name}: asks for {strangers}")

    def view_ns(self):
        return self.run(f"{CHART}.view.hi - {CHART}.view.lo")

    def box(self, selector):
        return self.run(f"(() => {{ const node = document.querySelector({selector!r});"
                        "node.scrollIntoView({block: 'center'}); const box = node.getBoundingClientRect();"
                        "return [box.left, box.top, box.width, box.height]; })()")


def test_opens(page):
    check(page.run("document.querySelector('h1').textContent.length > 0"), "no title")
    check(page.run("document.querySelectorAll('.verdict li').length > 0"), "no verdict")
    check(page.run("document.querySelector('#as-text pre').textContent.includes('how it was recorded')"), "no text")
    page.is_silent()


def test_zoom(page):
    whole = page.view_ns()
    left, top, width, height = page.box(".u-over")
    page.browser.drag(left + width * 0.5, top + height / 2, left + width * 0.75)
    check(0.2 < page.view_ns() / whole < 0.3, "a drag over a quarter of the chart shows that quarter")
    page.browser.press("+")
    check(page.view_ns() / whole < 0.15, "+ zooms in")
    page.browser.press("-")
    check(page.view_ns() / whole > 0.2, "- zooms out")
    before = page.run(f"{CHART}.view.lo")
    page.browser.press("ArrowRight", shift=True)
    check(page.run(f"{CHART}.view.lo") > before, "shift and arrow move the view")
    for _ in range(40):
        page.browser.press("+")
    check(page.view_ns() == 1000, "the closest view is a microsecond")
    page.browser.press("Escape")
    check(page.view_ns() == whole, "Esc shows all")
    page.is_silent()


def test_click_on_a_spike(page):
    mark = page.run(f"(() => {{ const c = {CHART}, m = c.marks.shown[1], o = c.plot.over.getBoundingClientRect();"
                    "return [m.x - c.plot.bbox.left + o.left, m.y - 8 - c.plot.bbox.top + o.top, m.row.number]; })()")
    whole = page.view_ns()
    page.browser.click(mark[0], mark[1])
    check(page.run(f"{CHART}.selected.number") == mark[2], "a click on a mark chooses its spike")
    check(page.view_ns() < whole, "and zooms to it")
    check(page.run("document.querySelector('.card h4').textContent").startswith(f"Burst {mark[2] + 1} of "), "and tells it")
    check(page.run("document.querySelectorAll('tr[aria-current=true]').length") == 1, "and marks its row")
    page.browser.press("0")
    check(page.run("document.querySelector('.card') === null"), "0 forgets the choice")
    page.is_silent()


def test_keyboard(page):
    """Every control is reached by Tab; arrows go from spike to spike."""
    page.run("document.activeElement.blur()")
    seen = []
    for _ in range(14):
        page.browser.press("Tab")
        seen.append(page.run("document.activeElement.className || document.activeElement.localName"))
    check("theme" in seen and "plot" in seen and "select" in seen, f"Tab goes through {seen}")
    page.browser.press("ArrowRight")
    check(page.run(f"{CHART}.selected.number") == 0, "the first arrow goes to the first spike")
    page.browser.press("ArrowRight")
    page.browser.press("ArrowLeft")
    page.browser.press("ArrowLeft")
    check(page.run(f"{CHART}.selected.number") == 0, "before the first spike is none")
    page.run("document.querySelectorAll('.spikes td button')[1].focus()")
    page.browser.press("Enter")
    check(page.run(f"{CHART}.selected !== null && {CHART}.selected.number") == 1, "Enter on a row shows its spike")
    page.browser.press("0")
    page.is_silent()


def test_hostile_names(page):
    check(page.run("globalThis.attacked === undefined"), "a name was executed")
    check(page.run("document.images.length") == 0, "a name became an image")
    check(page.run("[...document.scripts].filter((s) => s.type === '').length") == 1, "there is one script")
    check(page.run("document.querySelector('h1').textContent.includes('</script><script>')"), "names are shown as they are")
    check(page.run(r"!/[\u0000-\u0008\u000e-\u001f\u0080-\u009f\u2028\u202e]/.test(document.body.innerText)"),
          "what steers the eye is made visible")
    rows = page.run("(() => { const l = memspike.sections[0].timeline.lives[0]; return [[...l.ns], [...l.bytes]]; })()")
    check(rows[0] == [i * 1_000_000 for i in range(901)], "times are exact to the nanosecond")
    check(rows[1] == [min(50 * MIB, (i % 300) * 40 * 4096) for i in range(901)], "usage is exact to the byte")
    page.is_silent()
    # Had it become markup after all, the policy would have stopped it.
    page.run("(() => { const s = document.createElement('script'); s.textContent = 'globalThis.injected = 1';"
             "document.body.append(s); document.body.insertAdjacentHTML('beforeend',"
             "'<img src=x onerror=\"globalThis.injected = 2\">'); })()")
    page.browser.settle()
    check(page.run("globalThis.injected === undefined"), "the policy lets foreign scripts run")


def test_million(page):
    size = page.path.stat().st_size
    check(size < MAX_BYTES, f"{size} bytes")
    check(page.run("memspike.sections[0].timeline.rows") == 1_000_000, "all rows are there")
    spikes = page.run(f"{CHART}.rows.map((row) => [row.spike.peakNs, row.spike.peakBytes])")
    check([peak // MIB for _, peak in spikes] == list(range(60, 70)), f"the spikes are {spikes}")
    first_ms = page.run("memspike.firstDrawMs")
    redraws = page.run(REDRAWS)
    print(f"a million samples: {size} bytes, first draw {first_ms:.0f} ms, "
          f"redraw {statistics.median(redraws):.0f} ms (at most {max(redraws):.0f})")
    check(first_ms < MAX_FIRST_DRAW_MS, f"the first draw took {first_ms} ms")
    check(statistics.median(redraws) < MAX_REDRAW_MS, f"redraws took {redraws}")
    whole = page.run(f"{CHART}.whole.hi - {CHART}.whole.lo")
    result = page.run(f"{HIDDEN_PEAKS}({[whole / 8 ** i for i in range(12)]} )")
    check(result["views"] == 120, f"{result} views")
    check(result["hidden"] == 0, f"{result['hidden']} peaks are hidden")
    page.browser.press("Escape")


def test_stalls(page):
    """The longest of 40,000 is the highest bar at every zoom, and the readout tells it."""
    check(page.run("memspike.sections[0].stalls.count") == 40_000, "all stalls are counted")
    check(page.run("memspike.sections[0].stalls.marks.length") <= 4096, "and few enough are kept")
    whole = page.run(f"{CHART}.whole.hi - {CHART}.whole.lo")
    widths = [whole / 8 ** i for i in range(10)]
    heights = page.run(f"{LONGEST_STALL.replace('LANE', '22')}({widths})")
    check(all(here == most >= 14 for here, most in heights), f"the longest stall and the highest are {heights}")
    check("stalled" in page.run("document.querySelector('.key.stall').textContent"), "the legend has them")
    check("40,000 stalls" in page.run("document.querySelector('.plot').getAttribute('aria-label')"), "and the label")
    page.browser.press("Escape")
    left, top, width, height = page.box(".u-over")
    at = page.run(f"(() => {{ const s = {CHART}.stalls; const m = s.marks.find((m) => m.longestNs === s.longestNs);"
                  f"return {CHART}.plot.valToPos(m.longestEndNs, 'x'); }})()")
    readout = "document.querySelector('.readout.stalled').textContent"
    for y, where in ((top + height / 2, "the timeline"), (top + height + 15, "the lane")):
        page.browser.mouse("mouseMoved", left + at, y)
        page.browser.settle()
        check("the longest 2.00\u00a0s" in page.run(readout), f"over {where} the readout says {page.run(readout)!r}")
        page.browser.mouse("mouseMoved", 1, 1)
        page.browser.settle()
        check(page.run(readout).strip() == "", "and nothing elsewhere")
    page.is_silent()


def test_spikes_tell_stalls(page):
    cells = page.run("[...document.querySelectorAll('.spikes td')].map((cell) => cell.textContent.replaceAll('\u00a0', ' '))")
    check("41× 380 ms longest 27.0 ms" in cells, f"the table of spikes has {cells}")
    check(page.run(f"{CHART}.lane.stalls.count") == 4, "the lane has the stalls")
    page.is_silent()


def test_no_stalls(page):
    check(page.run(f"{CHART}.lane") is None, "no lane without stalls")
    check(page.run("document.querySelector('.key.stall') === null"), "nor a legend")


def test_scraper(page):
    page.run("(() => { const s = document.querySelector('select'); s.value = '15000000000';"
             "s.dispatchEvent(new Event('change')); })()")
    check(page.run(f"{CHART}.scraped.length") == 6 * 240 + 1, "a reading every 15 s")
    check(page.run(f"Math.max(...{CHART}.scraped.map(([, b]) => b ?? 0))") < 41 * MIB, "which sees no spike")
    check("saw at most 40." in page.run("document.querySelector('.key.scraped').textContent"), "and says so")
    page.run(f"memspike.sections[0].phase.value = 50; memspike.sections[0].phase.dispatchEvent(new Event('input'))")
    check(7e9 < page.run(f"{CHART}.scraped[0][0]") < 8e9, "its phase can be moved")
    page.is_silent()


def test_looks(page):
    browser = page.browser
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.run(paper)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.settle()
    dark = page.run(paper)
    check(light == "rgb(255, 255, 255)" and dark != light, f"light is {light}, dark is {dark}")
    check(page.run("memspike.colors().paper") == dark, "the chart is dark, too")
    page.run("document.querySelector('.theme').click()")
    check(page.run(paper) == light, "the button wins")
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=False)["data"])
    check(pdf.startswith(b"%PDF") and len(pdf) > 10_000, "it prints")
    browser.resize(360, 800)
    browser.settle()
    check(page.run("document.scrollingElement.scrollWidth") <= 360, "a phone need not scroll sideways")
    browser.resize(1280, 1400)
    browser.settle()
    page.is_silent()


def test_without_script(browser, directory):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.loaded = False
    browser.call("Page.navigate", url=f"file://{directory / 'story.html'}")
    while not browser.loaded:
        browser.note(browser.receive())
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    for selector in ("noscript p", "details[open] pre"):
        node = browser.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        check(node != 0, f"without JavaScript there is no {selector}")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_node(browser, directory):
    """The service's page: what it shows needs no script, and what containers are called runs none."""
    browser.open(directory / "node.html")
    run = browser.run
    check(run("document.scripts.length + document.images.length") == 0, "a name became markup")
    check(run("globalThis.attacked === undefined"), "a name was executed")
    names = run("[...document.querySelectorAll('#containers td.name')].map((e) => e.textContent)")
    check(len(names) == 3 and "</table><script>" in names[0], f"the tightest comes first: {names}")
    check(run("document.querySelectorAll('#containers td.tight').length") == 1, "what is tight is marked")
    check(run("document.querySelectorAll('#containers svg polyline').length") == 3, "each has its last minute")
    check(run("document.querySelectorAll('#kills tr').length") == 3, "each kill has a row")
    check(run("[...document.links].map((a) => a.getAttribute('href'))") ==
          ["/v1/report?dossier=20261130T034012.345Z-shop-checkout-0-app"], "dossiers are linked to")
    check(run(r"!/[\u0000-\u0008\u000e-\u001f\u0080-\u009f\u2028\u202e]/.test(document.body.innerText)"),
          "what steers the eye is made visible")
    check(run("document.documentElement.scrollWidth <= innerWidth"), "it is no wider than the window")


def main():
    directory = pathlib.Path(sys.argv[2]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.argv[1], directory], check=True)
    tests = {"hostile": [test_opens, test_zoom, test_click_on_a_spike, test_keyboard, test_no_stalls, test_hostile_names],
             "million": [test_opens, test_million, test_stalls, test_scraper, test_looks],
             "story": [test_opens, test_spikes_tell_stalls], "untimed": [test_opens], "absent": [test_opens]}
    with Browser() as browser:
        for name, steps in tests.items():
            for step in steps:
                step(Page(browser, directory, name))
                print(f"ok  {name}: {step.__name__}")
        test_node(browser, directory)
        print("ok  the node's page")
        test_without_script(browser, directory)
        print("ok  without JavaScript")


main()
