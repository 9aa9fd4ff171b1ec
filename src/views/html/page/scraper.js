// What a dashboard would have drawn: a reading every period, and straight lines between.

// [[ns, bytes], …] from `phaseNs` after the recording's start on; null bytes where there was nothing to read.
function scrape(timeline, durationNs, periodNs, phaseNs) {
  const points = [];
  for (let ns = phaseNs; ns <= durationNs; ns += periodNs) {
    const life = timeline.lifeAt(ns);
    points.push([ns, life === null ? null : life.at(ns)]);
  }
  return points;
}

// "1 in 90": how likely a scrape falls into the time that a spike spends above half of its height.
function chanceText(widthNs, periodNs) {
  if (widthNs >= periodNs) return "always";
  const times = periodNs / Math.max(1, widthNs);
  return `1 in ${formatCount(times < 10 ? Number(times.toFixed(1)) : Math.round(times))}`;
}
