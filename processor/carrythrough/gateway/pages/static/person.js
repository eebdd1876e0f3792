// The live page of one person: redraws what changed, from the server's own rendering.
import { ScoreChart } from "./chart.js";
import { freshPage, swap } from "./refresh.js";
import { Stream, showConnection } from "./stream.js";

const SETTLE_MS = 2_000; // a burst of evidence about one person makes one refresh
const RETRY_MS = 5_000;

const page = document.querySelector(".person");
const box = document.getElementById("chart");
const table = () => document.getElementById("trajectory");
let chart = box && table().tBodies[0].rows.length ? new ScoreChart(box, table()) : null;
let timer = 0;
let wasAway = false;

async function refresh() {
  timer = 0;
  try {
    const fresh = await freshPage();
    if (!page.dataset.skill || fresh.querySelector(".person").dataset.skill !== page.dataset.skill) {
      location.reload(); // the first evidence about this person: the page has another shape now
      return;
    }
    for (const part of page.querySelectorAll("[data-live]")) swap(part, fresh.querySelector(`[data-live="${part.dataset.live}"]`));
    showChart();
  } catch {
    soon(RETRY_MS); // the stream tells the reader when the server is away
  }
}

function showChart() {
  if (!table().tBodies[0].rows.length) return;
  document.getElementById("chart-empty").hidden = true;
  document.querySelector(".chart-and-table").hidden = false;
  if (chart) {
    chart.table = table();
    chart.draw();
  } else {
    chart = new ScoreChart(box, table());
  }
}

function soon(delayMs = SETTLE_MS) {
  if (!timer) timer = setTimeout(refresh, delayMs);
}

new Stream(`/v1/stream?types=score,stage,action&subject=${encodeURIComponent(page.dataset.subject)}`, {
  onEffect: () => soon(),
  onState(state) {
    if (state === "live" && wasAway) soon();
    wasAway = state === "waiting";
    showConnection(state);
  },
});
