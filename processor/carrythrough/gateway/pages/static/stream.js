// Server-Sent Events over fetch. EventSource would do less: it hides the status (a signed-out page
// would retry for ever) and cannot resume a connection that we closed ourselves for a hidden tab.

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 15_000;
const SILENCE_MS_MAX = 40_000; // the server sends a heartbeat every 15 s

export class Stream {
  // onEffect(effect, id), onState("live" | "waiting" | "signed-out"); after: id that the page has seen
  constructor(address, { after = "", onEffect, onState }) {
    this.address = address;
    this.onEffect = onEffect;
    this.onState = onState;
    this.lastId = after;
    this.retryMs = RETRY_MS_MIN;
    this.abort = null;
    this.wanted = false;
    document.addEventListener("visibilitychange", () => this.follow());
    // Browsers open few connections to one server, so hidden tabs give theirs back and resume later.
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.follow(); });
    this.follow();
  }

  follow() {
    if (document.hidden) this.close();
    else if (!this.wanted) this.open();
  }

  open() {
    this.wanted = true;
    this.run();
  }

  close() {
    this.wanted = false;
    clearTimeout(this.retry);
    this.abort?.abort();
  }

  async run() {
    const abort = this.abort = new AbortController();
    const watch = this.watch(abort);
    try {
      const headers = { accept: "text/event-stream" };
      if (this.lastId) headers["last-event-id"] = this.lastId;
      const answer = await fetch(this.address, { headers, signal: abort.signal, cache: "no-store", redirect: "error" });
      if (answer.status === 401 || answer.status === 403) {
        this.wanted = false;
        this.onState("signed-out");
        return;
      }
      if (!answer.ok) throw new Error(`stream answered ${answer.status}`);
      this.onState("live");
      this.retryMs = RETRY_MS_MIN;
      await this.read(answer.body.getReader(), watch);
    } catch {
      // Whatever it was (server stopped, network gone, laptop slept), the answer is to try again.
    } finally {
      watch.stop();
    }
    if (this.wanted && this.abort === abort) {
      this.onState("waiting");
      this.retry = setTimeout(() => this.run(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
    }
  }

  watch(abort) {
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), SILENCE_MS_MAX);
    };
    heard();
    return { heard, stop: () => clearTimeout(timer) };
  }

  async read(reader, watch) {
    const decoder = new TextDecoder();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watch.heard();
      buffer += decoder.decode(value, { stream: true });
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) this.dispatch(block);
    }
  }

  dispatch(block) {
    const data = [];
    for (const line of block.split(/\r?\n/)) {
      const colon = line.indexOf(":");
      if (colon <= 0) continue; // a heartbeat comment, or nothing
      const field = line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^ /, "");
      if (field === "id") this.lastId = value;
      else if (field === "data") data.push(value);
    }
    if (data.length) this.onEffect(JSON.parse(data.join("\n")), Number(this.lastId));
  }
}

const STATES = { live: "Live", waiting: "Reconnecting", paused: "Paused", "signed-out": "Signed out" };

export function showConnection(state) {
  const badge = document.getElementById("connection");
  if (badge.dataset.state === state) return;
  badge.dataset.state = state;
  badge.textContent = STATES[state];
  if (state === "signed-out") {
    const link = document.createElement("a");
    link.href = "/signin";
    link.textContent = "Sign in again";
    badge.append(" · ", link);
  }
}
