// The live feed: changes in plain words, slowly enough to be read (and to be read aloud).
import { actionWord, points, recipientWord, shortWhen, stageWord } from "./words.js";

const ITEMS_MAX = 60;
const FLUSH_MS = 1_500;
const ITEMS_PER_FLUSH = 4;
const QUEUE_MAX = 500;
const NAMES_MAX = 200; // what the server answers at once
const PAST_ITEMS = 12; // of what happened before the page was opened
const POINTS_MIN = 1; // smaller changes of a score are not news

export class Feed {
  constructor(skillNames, names) {
    this.list = document.getElementById("feed");
    this.skillNames = skillNames;
    this.names = names; // Map subject -> name
    this.queue = [];
    this.paused = false;
    setInterval(() => this.flush(), FLUSH_MS);
  }

  // past: it happened before the page was opened.
  add(effect, past) {
    this.queue.push({ effect, past });
    if (this.queue.length > QUEUE_MAX) this.queue.shift();
  }

  async flush() {
    if (this.paused || this.flushing || !this.queue.length) return;
    this.flushing = true;
    const waiting = this.queue.splice(0);
    const told = (past) => this.tell(waiting.filter((entry) => entry.past === past));
    const past = told(true).slice(-PAST_ITEMS);
    const news = told(false);
    const shown = choose(news);
    try {
      await this.learnNames([...past, ...shown].map(({ effect }) => effect.subject));
    } finally {
      this.flushing = false;
    }
    document.getElementById("feed-empty").hidden = true;
    for (const { effect, item } of past) this.list.prepend(this.render(effect, item));
    const rest = news.length - shown.length;
    if (rest > 0) this.list.prepend(element("li", "rest", `and ${rest} more ${rest === 1 ? "change" : "changes"} at that time`));
    for (const { effect, item } of shown) this.list.prepend(this.render(effect, item));
    while (this.list.childElementCount > ITEMS_MAX) this.list.lastElementChild.remove();
  }

  tell(entries) {
    return merged(entries).map((effect) => ({ effect, item: describe(effect, this.skillNames) })).filter(({ item }) => item);
  }

  async learnNames(subjects) {
    const unknown = [...new Set(subjects)].filter((subject) => !this.names.has(subject)).slice(0, NAMES_MAX);
    if (!unknown.length) return;
    const query = new URLSearchParams(unknown.map((subject) => ["subject", subject]));
    try {
      const answer = await fetch(`/people/names?${query}`, { redirect: "error" });
      const { names } = await answer.json();
      for (const [subject, name] of Object.entries(names)) this.names.set(subject, name);
    } catch {
      // Shown under the pseudonym this once; the next flush asks again.
    }
  }

  render(effect, { kind, text, why }) {
    const item = element("li", `feed-${kind}`);
    const head = element("p", "feed-head-line");
    const person = element("a", "", this.names.get(effect.subject) ?? effect.subject.slice(0, 6));
    person.href = `/people/${encodeURIComponent(effect.subject)}?skill=${encodeURIComponent(effect.skill)}`;
    const time = element("time", "feed-time", shortWhen(effect.as_of_ms));
    time.dateTime = new Date(effect.as_of_ms).toISOString();
    head.append(person, " ", time);
    item.append(head, element("p", "", text));
    if (why) item.append(element("p", "hint", why));
    return item;
  }
}

// Several moves of one score at a time are one move, from the first to the last.
function merged(entries) {
  const kept = [];
  const scores = new Map();
  for (const { effect } of entries) {
    const key = effect.type === "score" ? `${effect.subject} ${effect.skill}` : null;
    const earlier = key && scores.get(key);
    if (earlier) {
      Object.assign(earlier, effect, { previous: earlier.previous });
    } else {
      const copy = { ...effect };
      if (key) scores.set(key, copy);
      kept.push(copy);
    }
  }
  return kept;
}

// The newest of each kind in turn, so that a burst of one kind never pushes the others out of sight.
function choose(news) {
  const kinds = ["action", "stage", "score"].map((type) => news.filter(({ effect }) => effect.type === type));
  const chosen = new Set();
  while (chosen.size < Math.min(ITEMS_PER_FLUSH, news.length)) {
    for (const kind of kinds) if (kind.length && chosen.size < ITEMS_PER_FLUSH) chosen.add(kind.pop());
  }
  return news.filter((entry) => chosen.has(entry));
}

function describe(effect, skillNames) {
  const skill = skillNames[effect.skill] ?? effect.skill_name ?? effect.skill;
  if (effect.type === "score") return describeScore(effect, skill);
  if (effect.type === "stage") {
    if (effect.before === "unknown") return null; // the first evidence: the score that follows tells more
    return { kind: "stage", text: `${skill}: ${stageWord(effect.before)} → ${stageWord(effect.after)}` };
  }
  if (effect.type === "action") {
    return { kind: "action", text: `${skill}: ${actionWord(effect.action)} for ${recipientWord(effect.to)}`, why: effect.why };
  }
  return null;
}

function describeScore({ score, previous }, skill) {
  if (score === null) return previous === null ? null : { kind: "down", text: `${skill}: no score any more, not enough recent evidence` };
  if (previous === null) return { kind: "up", text: `${skill}: first score, ${points(score)}` };
  const moved = (score - previous) * 100;
  if (Math.abs(moved) < POINTS_MIN) return null;
  return { kind: moved > 0 ? "up" : "down", text: `${skill}: ${points(previous)} → ${points(score)}` };
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
