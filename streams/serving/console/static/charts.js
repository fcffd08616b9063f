/* Curves of the samples of the status; uPlot draws them. */
"use strict";

const CURVES = [
  { title: "Hit rate", unit: "%", scale: 100, digits: 1,
    lines: [["hit_rate", "your model"], ["baseline", "popularity"]] },
  { title: "Freshness of lists", unit: " ms", scale: 1, digits: 0,
    lines: [["fresh_p50_ms", "p50"], ["fresh_p99_ms", "p99"]] },
  { title: "Events a second", unit: "/s", scale: 1, digits: 1,
    lines: [["events_per_s", "learnt"]] },
  { title: "Lag", unit: "", scale: 1, digits: 0,
    lines: [["waiting_events", "events waiting"], ["waiting_records", "log records behind"]] },
];
const KEYS = ["one", "two"];
const SAMPLES_MAX = 900;
const GAP_S = 10;

/** Points of the curves: times, and a row of values for each line; a gap in time is a gap. */
function pointsOf(samples, curve) {
  const rows = [[], ...curve.lines.map(() => [])];
  let before = null;
  for (const each of samples) {
    if (before !== null && each.at - before > GAP_S) {
      rows[0].push(before + 1);
      curve.lines.forEach((_, at) => rows[at + 1].push(null));
    }
    rows[0].push(each.at);
    curve.lines.forEach(([name], at) => {
      rows[at + 1].push(each[name] === null ? null : each[name] * curve.scale);
    });
    before = each.at;
  }
  return rows;
}

class Charts {
  constructor(place) {
    this.place = place;
    this.samples = [];
    this.plots = [];
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
    new ResizeObserver(() => this.resize()).observe(place);
  }

  replace(samples) {
    this.samples = samples.slice(-SAMPLES_MAX);
    this.draw();
  }

  add(sample) {
    const last = this.samples[this.samples.length - 1];
    if (last && sample.at <= last.at) return;
    this.samples = [...this.samples, sample].slice(-SAMPLES_MAX);
    this.draw();
  }

  get isShown() {
    return this.place.clientWidth > 0;
  }

  draw() {
    if (!this.isShown) return;
    if (!this.plots.length) {
      this.build();
      return;
    }
    this.plots.forEach((plot, at) => plot.setData(pointsOf(this.samples, CURVES[at])));
    this.describe();
  }

  resize() {
    if (!this.isShown) return;
    if (!this.plots.length) this.build();
    for (const plot of this.plots) {
      const width = plot.root.parentElement.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
    }
  }

  build() {
    if (!this.isShown) return;
    this.plots.forEach((plot) => plot.destroy());
    if (!this.place.children.length) this.place.append(...CURVES.map(figureOf));
    this.plots = CURVES.map((curve, at) => this.plot(curve, this.place.children[at]));
    this.describe();
  }

  plot(curve, figure) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--soft"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
    };
    const box = figure.querySelector(".plot");
    const options = {
      width: box.clientWidth, height: 160, legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => rangeOf(low, high) } },
      axes: [{ ...axis, space: 70 }, { ...axis, size: 52, space: 36 }],
      series: [{}, ...curve.lines.map((_, at) => ({
        stroke: colour(`--curve-${at + 1}`), width: 2, dash: at ? [6, 4] : undefined,
        points: { show: false },
      }))],
    };
    return new uPlot(options, pointsOf(this.samples, curve), box);
  }

  /** Says the newest values in words, for those who do not see the curves. */
  describe() {
    const newest = this.samples[this.samples.length - 1];
    if (!newest) return;
    CURVES.forEach((curve, at) => {
      curve.lines.forEach(([name], line) => {
        const value = newest[name];
        const says = value === null ? "unknown" : (value * curve.scale).toLocaleString("en",
          { maximumFractionDigits: curve.digits }) + curve.unit;
        this.place.children[at].querySelectorAll("output")[line].textContent = says;
      });
    });
  }
}

function rangeOf(low, high) {
  if (low === null || high === null) return [0, 1];
  return [0, high > 0 ? high * 1.1 : 1];
}

function figureOf(curve) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const title = document.createElement("h3");
  title.textContent = curve.title;
  caption.append(title, ...curve.lines.map(([, name], at) => keyOf(name, KEYS[at])));
  const box = document.createElement("div");
  box.className = "plot";
  box.setAttribute("aria-hidden", "true");
  figure.append(caption, box);
  return figure;
}

function keyOf(name, kind) {
  const key = document.createElement("span");
  key.className = `key ${kind}`;
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M0 4h24");
  line.setAttribute("stroke-width", "3");
  mark.setAttribute("viewBox", "0 0 24 8");
  mark.setAttribute("aria-hidden", "true");
  mark.append(line);
  const value = document.createElement("output");
  value.setAttribute("aria-live", "off");
  value.textContent = "unknown";
  const text = document.createElement("span");
  text.textContent = name;
  key.append(mark, text, value);
  return key;
}
