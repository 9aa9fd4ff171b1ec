// The whole recording on one strip, with a window where the chart looks. Dragging moves the window; for the
// keyboard there are the chart's own keys.

class Overview {
  constructor(canvas, chart) {
    this.canvas = canvas;
    this.chart = chart;
    const move = (event) => {
      if (event.buttons !== 1) return;
      const box = canvas.getBoundingClientRect();
      const { lo, hi } = chart.whole;
      const ns = lo + ((event.clientX - box.left) / box.width) * (hi - lo);
      const half = (chart.view.hi - chart.view.lo) / 2;
      chart.setView(ns - half, ns + half);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    canvas.addEventListener("pointermove", move);
  }

  draw() {
    const { canvas, chart } = this;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (width === 0) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    const colors = chart.colors();
    context.clearRect(0, 0, width, height);
    const { lo, hi } = chart.whole;
    const perPixel = (hi - lo) / width;
    const y = (bytes) => height - (bytes / Math.max(1, chart.subject.peak_bytes)) * (height - 2 * ratio);
    context.fillStyle = colors.usage;
    for (let x = 0; x < width; ++x) {
      const seen = chart.timeline.extremes(lo + x * perPixel, lo + (x + 1) * perPixel);
      if (seen !== null) context.fillRect(x, y(seen.max), 1, Math.max(ratio, y(seen.min) - y(seen.max)));
    }
    context.fillStyle = colors.alarm;
    for (const kill of chart.subject.kills) context.fillRect(((kill.ns - lo) / (hi - lo)) * width - ratio, 0, 2 * ratio, height / 3);
    const left = ((chart.view.lo - lo) / (hi - lo)) * width;
    const right = ((chart.view.hi - lo) / (hi - lo)) * width;
    context.fillStyle = colors.shade;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.strokeStyle = colors.ink;
    context.lineWidth = 1.5 * ratio;
    context.strokeRect(Math.min(left, width - 3 * ratio) + ratio / 2, ratio / 2, Math.max(2 * ratio, right - left - ratio), height - ratio);
  }
}
