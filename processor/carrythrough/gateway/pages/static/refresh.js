// Swaps parts of the page for a fresh rendering by the server, and leaves alone what the reader is using.

export async function freshPage() {
  const answer = await fetch(location.href, { redirect: "error", cache: "no-store", headers: { accept: "text/html" } });
  if (!answer.ok) throw new Error(`page answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

export function swap(old, fresh) {
  if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollTop, box.scrollLeft]);
  const focused = old.contains(document.activeElement) ? focusable(old).indexOf(document.activeElement) : -1;
  old.replaceChildren(...fresh.cloneNode(true).childNodes);
  old.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
  old.querySelectorAll(".scroll").forEach((box, i) => { [box.scrollTop, box.scrollLeft] = scrolled[i] ?? [0, 0]; });
  if (focused >= 0) focusable(old)[focused]?.focus({ preventScroll: true });
}

function focusable(root) {
  return [root, ...root.querySelectorAll("a, button, select, summary, [tabindex]")];
}
