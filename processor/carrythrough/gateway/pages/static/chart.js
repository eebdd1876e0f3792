// Draws the score over time from the table beside it, so that both always say the same.
import { when } from "./words.js";
/* global uPlot */

const HEIGHT = 280;
const DAY_S = 86_400;

export class ScoreChart {
  constructor(box, table) {
    this.box = box;
    this.table = table;
    this.said = document.getElementById("chart-point");
    this.plot = null;
    new ResizeObserver(() => this.resize()).observe(box);
    document.addEventListener("themechange", () => this.draw());
    this.draw();
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    const data = read(this.table, Number(this.box.dataset.target));
    if (data[0].length) this.plot = new uPlot(options(this.box.clientWidth, (at) => this.readOut(at)), data, this.box);
    this.readOut(null);
  }

  // The figures under the pointer, or the newest ones.
  readOut(at) {
    const rows = this.table.tBodies[0].rows;
    const row = rows[rows.length - 1 - (at ?? rows.length - 1)];
    const [time, score, range, recall] = [...row.cells].map((cell) => cell.textContent);
    this.said.textContent = `${time}: score ${score}, range ${range}${recall === "–" ? "" : `, recall ${recall}`}`;
  }

  resize() {
    const width = this.box.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }
}

function read(table, target) {
  const rows = [...table.tBodies[0].rows].reverse(); // the table has the newest first
  const number = (text) => (text === "" ? null : Number(text) * 100);
  const column = (name) => rows.map((row) => number(row.dataset[name]));
  const times = rows.map((row) => Date.parse(row.dataset.time) / 1000);
  return [times, column("low"), column("high"), times.map(() => target * 100), column("recall"), column("score")];
}

function options(width, readOut) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const line = colour("--chart-score");
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const bare = { points: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [12, 16, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { y: { range: [0, 100] } },
    // Times in UTC, as everywhere on the pages.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    axes: [{ ...axis, space: 72, size: 40, values: times }, { ...axis, size: 36, incrs: [20] }],
    series: [
      {},
      { ...bare, stroke: "transparent" },
      { ...bare, stroke: "transparent" },
      { ...bare, stroke: colour("--chart-target"), dash: [6, 4], width: 1.5 },
      { ...bare, stroke: colour("--chart-recall"), dash: [2, 3], width: 1.5, spanGaps: true },
      { stroke: line, width: 2, points: { show: true, size: 5, fill: line } },
    ],
    bands: [{ series: [2, 1], fill: colour("--chart-band") }],
    hooks: { setCursor: [(plot) => readOut(plot.cursor.idx)] },
  };
}

function times(_, splits, _axis, _space, step) {
  let day = "";
  return splits.map((seconds) => {
    const text = when(seconds * 1000);
    const date = text.split(" ").slice(0, 2).join(" ");
    const clock = text.slice(-5);
    const label = step >= DAY_S ? date : date === day ? clock : `${date}\n${clock}`;
    day = date;
    return label;
  });
}
