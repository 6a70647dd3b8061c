/* Means of the groups that the colours tell apart: crosses on the plane, and in tables the figures of `compare`. */
import {ask} from "./client.js";
import {axes, now, set} from "./address.js";
import {$, count, counted, h, number, saying} from "./dom.js";
import {cross, view} from "./view.js";

export function begin() {
  $("means-toggle").addEventListener("click", () => { set({means: now().means ? "" : "shown"}, {step: true}); answer(); });
  document.addEventListener("drawn", answer);
}

/* They are offered where something has a colour. */
export function choices() {
  const {color, means} = now();
  $("means-toggle").hidden = !color;
  $("means-toggle").setAttribute("aria-pressed", String(isWanted()));
}

const isWanted = () => Boolean(now().color && now().means);
const asking = () => JSON.stringify([now().x, now().y, now().color, now().means, view.where]);

async function answer() {
  const asked = asking();
  choices();
  $("means").hidden = !isWanted();
  if (!isWanted()) return show({groups: [], told: [], more: 0});
  $("means").setAttribute("aria-busy", "true");
  await saying("means-error", async () => {
    try {
      const found = await ask("compare", {field: now().color, axes: axes(), where: view.where}, {kind: "compare"});
      if (asked === asking()) show(found);
    } catch (error) {
      if (error.name !== "AbortError") show({groups: [], told: [], more: 0});
      throw error;
    }
  });
  if (asked === asking()) $("means").setAttribute("aria-busy", "false");
}

function show({groups, told, more, field, confidence}) {
  const names = [...new Set(groups.map((one) => one.group))], all = names.length + more;
  cross(names.map((name) => ({name, code: codeOf(name), on: Object.fromEntries(groups.filter((one) => one.group === name).map((one) => [one.axis, one]))})));
  $("means-says").textContent = all ? `${counted(all, "group")} by ${field}${more ? `; the ${count(names.length)} with the most documents are shown` : ""}.` : "";
  $("means-told").replaceChildren(...told.map((line) => h("li", {}, line)));
  const of = [...new Set(groups.map((one) => one.axis))];
  $("means-tables").replaceChildren(...of.map((axis) => table(axis, groups.filter((one) => one.axis === axis), {field, between: `${100 * confidence}%`})));
}

/* Which colour a group has; none where the colours tell others apart, or numbers. */
function codeOf(name) {
  const code = view.drawn?.names?.indexOf(name) ?? -1;
  return code < 0 ? undefined : code;
}

const interval = (value, low, high) => `${number(value, 3)}${low === null || value === null ? "" : ` (${number(low, 3)} … ${number(high, 3)})`}`;

function table(axis, groups, {field, between}) {
  const head = [field, "documents", `mean (${between})`, `above others by (${between})`, "superiority"];
  const rows = groups.map((one) => h("tr", {}, h("th", {scope: "row"}, swatch(codeOf(one.group)), h("bdi", {}, one.group)),
    ...[count(one.documents), interval(one.mean, one.low, one.high), interval(one.difference, one.difference_low, one.difference_high), number(one.superiority, 3)].map((value) => h("td", {}, value))));
  return h("table", {}, h("caption", {}, axis), h("thead", {}, h("tr", {}, ...head.map((name) => h("th", {scope: "col"}, name)))), h("tbody", {}, ...rows));
}

const swatch = (code) => h("i", {style: `background: var(--plane-${code === undefined ? "ink" : `color-${code}`})`});
