/* Read: the next record of a screening with its evidence marked, labels by key, and whether one may stop. */
import {ask} from "./client.js";
import {now} from "./address.js";
import {$, count, counted, h, marked, number, saying} from "./dom.js";
import {drawnAgain} from "./view.js";

const KEYS = {r: "relevant", n: "not relevant", u: "undecided"};
let record = null;
let passed = []; // put off in this sitting
const given = []; // the numbers of the labels given in it
let busy = false;
let noted = false; // what was done stands below the plane, until something else is

function note(text) {
  $("says").textContent = text;
  noted = true;
}

export function begin() {
  $("read-form").addEventListener("submit", (event) => { event.preventDefault(); start(); });
  for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => label(button.dataset.label));
  $("read-skip").addEventListener("click", skip);
  $("read-undo").addEventListener("click", undo);
  addEventListener("keydown", key);
}

export const answer = () => saying("read-error", async () => {
  const found = await ask("screen/status");
  tell(found);
  if (found.has_begun) await next();
});

function key(event) {
  if (now().tab !== "read" || $("read-keys").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  if (event.target.closest?.("#plane, [role=tab]")) return;
  const acts = {...Object.fromEntries(Object.entries(KEYS).map(([name, value]) => [name, () => label(value)])), ArrowRight: skip, ArrowLeft: undo};
  const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/* One thing after the other: a key that is pressed twice labels one record. */
const once = async (work) => {
  if (busy) return;
  busy = true;
  if (noted) drawnAgain();
  noted = false;
  await saying("read-error", work).finally(() => { busy = false; });
};

const start = () => once(async () => {
  const fields = [$("read-topic"), $("read-among")], [topic, where] = fields.map((field) => field.value);
  const found = await ask("screen/start", {topic: topic.trim(), where: where.trim()});
  [fields[0].defaultValue, fields[1].defaultValue] = [topic, where]; // what is typed by now, after it, stays
  tell(found);
  passed = [];
  await next();
});

const label = (value) => once(async () => {
  if (!record) return;
  try {
    given.push((await ask("screen/label", {id: record.id, label: value})).number);
  } finally {
    await next(); // what somebody else has labelled meanwhile is refused, and is not shown again
  }
});

const skip = () => once(async () => {
  if (!record) return;
  passed.push(record.id);
  await next();
});

const undo = () => once(async () => {
  if (!given.length) throw new Error("no label given on this page is left to undo; take back another with: embedsearch screen undo");
  const {undone} = await ask("screen/undo", {number: given.at(-1)}).catch((error) => { given.pop(); throw error; });
  given.pop();
  passed = passed.filter((id) => id !== undone.id);
  await next();
  note(`Undone: ${undone.id} was labelled ${undone.label}.`);
});

/* Where nothing is left but what was put off, that is next. */
async function next() {
  let found = await ask("screen/next", {after: passed});
  if (!found.record && passed.length) {
    passed = [];
    found = await ask("screen/next");
    if (found.record) note("All that is left was put off for later; it begins again.");
  }
  record = found.record;
  tell(found);
  $("read-keys").hidden = false;
  $("read-record").hidden = false;
  for (const button of document.querySelectorAll("[data-label], #read-skip")) button.disabled = !record;
  if (!record) return $("read-record").replaceChildren(h("p", {class: "note"}, "There is nothing left to read."));
  const about = [record.id, record.source, record.score === null ? "" : `score ${number(record.score)}`].filter(Boolean).join(" · ");
  $("read-record").replaceChildren(record.title ? h("h2", {dir: "auto"}, record.title) : "", h("p", {class: "note"}, about), h("div", {dir: "auto"}, ...marked(record.text, record.evidence)));
  $("read-record").dataset.id = record.id;
  $("read-record").focus({preventScroll: true});
}

/* The form shows what the records are chosen by, until something else is typed. */
function tell(found) {
  for (const [id, value] of [["read-topic", found.topic], ["read-among", found.where]]) {
    const field = $(id), typed = field.value !== field.defaultValue;
    field.defaultValue = value;
    if (!typed) field.value = value;
  }
  progress(found.progress);
}

function progress(found) {
  $("read-progress").textContent = `${count(found.found)} relevant of ${count(found.read)} read, of ${counted(found.records, "record")}.`;
  const rows = found.estimates.map((one) => h("tr", {}, h("td", {title: one.assumption}, one.method), ...[one.missed, one.missed_at_most].map((value) => h("td", {}, count(value))), h("td", {}, number(one.recall)), h("td", {}, number(one.recall_at_least))));
  const head = ["by", "missed", "at most", "recall", "at least"].map((name) => h("th", {scope: "col"}, name));
  const verdict = `The rule (recall ${found.stop.recall} at confidence ${found.stop.confidence}, by ${found.stop.method}) says: ${found.stop.advice}.`;
  const assumed = found.estimates.map((one) => h("li", {}, h("strong", {}, one.method), `: ${one.assumption} (${one.source})`));
  const yields = found.yield.map((one) => `${one.first}–${one.last}: ${one.found}`).join(", ");
  const joined = found.joined ? h("p", {class: "note"}, `${counted(found.joined, "record")} not read joined after the last that was read; each counts as possibly missed.`) : "";
  $("read-estimates").replaceChildren(h("p", {id: "read-stop"}, verdict), joined, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
    h("p", {class: "note"}, yields ? `Found per 50 read: ${yields}` : "Nothing read yet."), h("ul", {class: "plain"}, ...assumed));
}
