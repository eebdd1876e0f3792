// The live matrix: cells, header figures, feed; arrow keys between cells.
import { showScore } from "./cell.js";
import { Feed } from "./feed.js";
import { freshPage, swap } from "./refresh.js";
import { Stream, showConnection } from "./stream.js";
import { count, delay, rate, when } from "./words.js";

const FIGURES_MS = 2_000;
const REFRESH_MS = 10_000; // how soon after a change the server's own rendering replaces ours

const skillNames = JSON.parse(document.getElementById("skill-names").textContent);
const board = document.getElementById("board");
const seqAtStart = Number(board.dataset.seq); // the page shows everything up to here
const key = (subject, skill) => `${subject}\u001f${skill}`;
const latest = new Map(); // newest score effect a cell, waiting to be drawn
const names = new Map();
let cells = new Map();
let paused = false;
let dirty = false;
let stateWhenLive = "off";

function index() {
  cells = new Map();
  for (const cell of board.querySelectorAll("td[data-skill]")) cells.set(key(cell.dataset.subject, cell.dataset.skill), cell);
  for (const row of board.querySelectorAll("tr[data-subject]")) names.set(row.dataset.subject, row.querySelector("th a").textContent);
}

function draw() {
  for (const [name, effect] of latest) {
    const cell = cells.get(name);
    if (cell && !(Number(cell.dataset.sequence) >= effect.sequence)) showScore(cell, effect);
  }
  latest.clear();
}

function receive(effect, id) {
  const past = id <= seqAtStart;
  feed.add(effect, past);
  if (past) return;
  dirty = true;
  if (effect.type !== "score") return;
  if (!latest.size && !paused) requestAnimationFrame(draw);
  latest.set(key(effect.subject, effect.skill), effect);
}

async function refresh() {
  if (!dirty || paused || document.hidden) return;
  dirty = false;
  try {
    const fresh = await freshPage();
    const freshBoard = fresh.getElementById("board");
    if (sameRows(board, freshBoard)) {
      // Same people: only cells that the stream has not already brought further are replaced.
      for (const cell of freshBoard.querySelectorAll("td[data-sequence]")) replaceCell(cell);
    } else {
      swap(board, freshBoard);
    }
    swap(document.querySelector(".goals"), fresh.querySelector(".goals"));
    swap(document.getElementById("matched"), fresh.getElementById("matched"));
    Object.assign(skillNames, JSON.parse(fresh.getElementById("skill-names").textContent));
    index();
  } catch {
    dirty = true; // the stream tells the reader when the server is away
  }
}

function replaceCell(fresh) {
  const cell = cells.get(key(fresh.dataset.subject, fresh.dataset.skill));
  if (!cell || Number(cell.dataset.sequence) > Number(fresh.dataset.sequence)) return;
  Object.assign(cell.dataset, fresh.dataset);
  swap(cell.querySelector("a.cell"), fresh.querySelector("a.cell"));
}

function sameRows(a, b) {
  const rows = (root) => [...root.querySelectorAll("tr[data-subject]")].map((row) => row.dataset.subject).join();
  const columns = (root) => root.querySelectorAll("thead th").length;
  return rows(a) === rows(b) && columns(a) === columns(b);
}

const WRITERS = { employees: count, statements: count, events: count, rate_per_s: rate, ack_p50_ms: delay, visible_p50_ms: delay };

async function figures() {
  if (document.hidden || paused) return;
  try {
    const answer = await fetch("/v1/summary", { redirect: "error", cache: "no-store" });
    if (!answer.ok) return;
    const summary = await answer.json();
    for (const [name, write] of Object.entries(WRITERS)) {
      const value = summary[name];
      document.querySelector(`[data-figure="${name}"]`).textContent = value === null || value === undefined ? "–" : write(value);
    }
    const clock = document.querySelector('[data-figure="now"] time');
    clock.dateTime = summary.now;
    clock.textContent = when(summary.now);
  } catch {
    // The connection badge already says that the server is away.
  }
}

function arrows(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const from = event.target.closest("#rows th, #rows td");
  if (!step || !from || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const row = from.parentElement.parentElement.children[from.parentElement.rowIndex - 1 + step[0]];
  const to = row?.children[from.cellIndex + step[1]]?.querySelector("a");
  if (!to) return;
  event.preventDefault();
  to.focus();
}

const feed = new Feed(skillNames, names);
index();
board.addEventListener("keydown", arrows);

const pause = document.getElementById("pause");
pause.addEventListener("click", () => {
  paused = feed.paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
  showConnection(paused ? "paused" : stateWhenLive);
  if (!paused) draw();
});

new Stream("/v1/stream?types=score,stage,action", {
  after: board.dataset.resumeAfter,
  onEffect: receive,
  onState(state) {
    if (state === "live" && stateWhenLive === "waiting") dirty = true;
    stateWhenLive = state;
    if (!paused || state === "signed-out") showConnection(state);
  },
});
setInterval(figures, FIGURES_MS);
setInterval(refresh, REFRESH_MS);
