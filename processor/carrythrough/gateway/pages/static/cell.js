// Shows a score effect in a cell, with the same markup as the server's (cloned from its templates).
import { points, stageWord, tooLittle } from "./words.js";

const HIGHLIGHT_MS = 1_600;

export function showScore(cell, effect) {
  const link = cell.querySelector("a.cell");
  const wanted = effect.score === null ? "cell-none" : "cell-score";
  // A cell that has a score already keeps its elements, so that focus and hover stay where they are.
  const shape = effect.score === null ? "too-little" : "score";
  if (!part(link, shape)) link.replaceChildren(document.getElementById(wanted).content.cloneNode(true));
  if (effect.score === null) part(link, "too-little-words").textContent = tooLittle(effect.outcomes);
  else fill(link, effect, Number(cell.dataset.target));
  cell.dataset.sequence = effect.sequence;
  highlight(cell);
}

function fill(link, effect, target) {
  part(link, "score").textContent = points(effect.score);
  part(link, "interval-words").textContent = `likely ${points(effect.low)} to ${points(effect.high)}`;
  place(part(link, "range"), effect.low * 100, (effect.high - effect.low) * 100);
  place(part(link, "mark"), effect.score * 100 - 1, 2);
  if (target) place(part(link, "target"), target * 100 - 0.5, 1);
  if (effect.trend !== undefined) showTrend(part(link, "trend"), effect.trend);
  const stage = part(link, "stage");
  stage.className = `stage stage-${effect.stage}`;
  stage.querySelector("use").setAttribute("href", `#stage-${effect.stage}`);
  part(link, "stage-word").textContent = stageWord(effect.stage);
}

function showTrend(trend, direction) {
  const word = { "-1": "falling", 0: "steady", 1: "rising" }[direction] ?? "steady";
  trend.className = `trend trend-${word}`;
  trend.querySelector("use").setAttribute("href", `#trend-${word}`);
  trend.querySelector(".unseen").textContent = word;
}

function place(rect, x, width) {
  rect.setAttribute("x", x.toFixed(1));
  rect.setAttribute("width", width.toFixed(1));
}

function highlight(cell) {
  clearTimeout(cell.fade);
  cell.classList.add("changed");
  cell.fade = setTimeout(() => cell.classList.remove("changed"), HIGHLIGHT_MS);
}

function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}
