// The words of the pages, as the server sends them, and how numbers are written.

const tables = JSON.parse(document.getElementById("live-words").textContent);

export const stageWord = (code) => tables.stages[code] ?? code;
export const actionWord = (code) => tables.actions[code] ?? code;
export const recipientWord = (code) => tables.recipients[code] ?? code;
export const points = (share) => (share === null || share === undefined ? "–" : String(Math.round(share * 100)));
export const many = (number, one, more = `${one}s`) => `${number} ${number === 1 ? one : more}`;

export function tooLittle(outcomes) {
  return outcomes < tables.minimum
    ? `Not enough evidence (${outcomes} of ${tables.minimum} outcomes)`
    : `Not enough recent evidence (${many(outcomes, "older outcome")})`;
}

export function count(number) {
  return Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function rate(perSecond) {
  return perSecond < 10 ? perSecond.toFixed(1) : count(perSecond);
}

export function delay(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export const shortWhen = (time) => when(time).replace(/ \d{4},/, ",");

export function when(time) {
  const moment = new Date(time);
  const clock = moment.toISOString().slice(11, 16);
  return `${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]} ${moment.getUTCFullYear()}, ${clock}`;
}
