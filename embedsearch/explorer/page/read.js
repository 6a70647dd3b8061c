/* Read: the next record of a screening with its evidence marked, labels by key, and whether one may stop. */
import {ask} from "./client.js";
import {now, set} from "./address.js";
import {$, count, counted, h, marked, number} from "./dom.js";
import {drawnAgain, note, view} from "./view.js";

const KEYS = {r: "relevant", n: "not relevant", u: "undecided"};
const MAIN = "main"; // the screening where the address names none
const sittings = new Map(); // by screening: the ids that were put off on this page, and the numbers of the labels given
let shown = null; // the screening that the form and the record are of
let record = null;
let told = false; // the form shows what the records are chosen by
let asked = 0; // grows with every question for a record: an answer that another has overtaken is not shown
let busy = false;

const chosen = () => now().screening ?? MAIN;
const screenings = () => [...new Set([MAIN, ...view.index.screenings])];

function sitting(name) {
  if (!sittings.has(name)) sittings.set(name, {passed: [], given: []});
  return sittings.get(name);
}

/* An address that names no screening is of the main one; where that has not begun, and another has, of the other. */
export function first() {
  const begun = view.index.screenings;
  if (!now().screening && !begun.includes(MAIN)) set({screening: begun[0]});
}

/* Where there is more than one, or one is asked for that is not there, it is chosen. */
export function choices() {
  const names = screenings();
  $("read-which").hidden = names.length < 2 && names.includes(chosen());
  $("read-screening").replaceChildren(...names.map((name) => h("option", {}, name)));
  $("read-screening").value = chosen();
  turn();
}

/* From now on nothing is shown of another screening than the one chosen, and no key labels anything in it. */
function turn() {
  if (shown === chosen()) return;
  shown = chosen();
  record = null;
  told = false;
  asked += 1;
  for (const id of ["read-topic", "read-among"]) $(id).value = $(id).defaultValue = "";
  for (const id of ["read-keys", "read-record", "read-evidence"]) $(id).hidden = true;
  $("read-progress").textContent = "";
}

export function begin() {
  $("read-form").addEventListener("submit", (event) => { event.preventDefault(); start(); });
  for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => label(button.dataset.label));
  $("read-skip").addEventListener("click", skip);
  $("read-undo").addEventListener("click", undo);
  $("read-screening").addEventListener("change", () => { set({screening: $("read-screening").value}, {step: true}); answer(); });
  addEventListener("keydown", key);
}

export async function answer() {
  turn();
  const name = shown, isThere = screenings().includes(name);
  $("read-form").hidden = !isThere;
  await speaking(name, async () => {
    if (!isThere) throw new Error(`This index has no screening called ${name}; choose one from the list.`);
    const found = await ask("screen/status", {name});
    if (name !== shown) return;
    tell(found);
    if (found.has_begun) await next(name);
  });
}

/* As `saying`, while the screening is the one that is shown; what goes wrong later is told as *late* does. */
async function speaking(name, work, late = () => {}) {
  try {
    await work();
    if (name === shown) $("read-error").textContent = "";
  } catch (error) {
    if (name === shown) $("read-error").textContent = error.message;
    else late(error);
  }
}

function key(event) {
  if (now().tab !== "read" || $("read-keys").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  if (event.target.closest?.(event.key.startsWith("Arrow") ? "#plane, [role=tab]" : "#plane")) return;
  const acts = {...Object.fromEntries(Object.entries(KEYS).map(([name, value]) => [name, () => label(value)])), ArrowRight: skip, ArrowLeft: undo};
  const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/* One thing after the other: a key that is pressed twice labels one record. All of it is done in the screening that is
   shown when it begins, whichever is chosen meanwhile. */
async function once(work) {
  if (busy) return;
  busy = true;
  const name = shown;
  drawnAgain();
  await speaking(name, () => work(name, sitting(name)), (error) => note(`${name}: ${error.message}`));
  busy = false;
  if (record && name === shown) $("read-record").focus({preventScroll: true});
}

const start = () => once(async (name, here) => {
  const fields = [$("read-topic"), $("read-among")], [topic, where] = fields.map((field) => field.value);
  const given = Object.entries({topic: topic.trim(), where: where.trim()});
  // What an empty field stands for is not known where the screening could not be read: it stays.
  const found = await ask("screen/start", {name, ...Object.fromEntries(given.filter(([, value]) => told || value))});
  here.passed = [];
  if (name !== shown) return;
  [fields[0].defaultValue, fields[1].defaultValue] = [topic, where]; // what is typed by now, after it, stays
  tell(found);
  await next(name);
});

const label = (value) => once(async (name, here) => {
  if (!record) return;
  try {
    here.given.push((await ask("screen/label", {name, id: record.id, label: value, seen: record.seen})).number);
  } finally {
    await next(name); // what somebody else has labelled meanwhile is refused, and not shown again; what has changed is
  }
});

const skip = () => once(async (name, here) => {
  if (!record) return;
  here.passed.push(record.id);
  await next(name);
});

const undo = () => once(async (name, here) => {
  if (!here.given.length) throw new Error(`this page has no more labels of yours to undo; to undo others, run: embedsearch screen undo${name === MAIN ? "" : ` --name "${name}"`}`);
  const {undone} = await ask("screen/undo", {name, number: here.given.at(-1)}).catch((error) => {
    if (error.code === "QueryError") here.given.pop(); // it was taken back elsewhere; what another writer refuses is asked again
    throw error;
  });
  here.given.pop();
  here.passed = here.passed.filter((id) => id !== undone.id);
  await next(name);
  note(`Undone: ${undone.id} was labelled ${undone.label}.`);
});

/* Where nothing is left but what was put off, that is next. */
async function next(name) {
  if (name !== shown) return;
  const mine = ++asked, here = sitting(name);
  let found = await ask("screen/next", {name, after: here.passed}), begins = false;
  if (!found.record && here.passed.length) {
    here.passed = [];
    found = await ask("screen/next", {name});
    begins = found.record !== null;
  }
  if (mine !== asked) return;
  if (begins) note("You put off all the records that are left; the first of them is shown again.");
  record = found.record;
  tell(found);
  $("read-keys").hidden = false;
  $("read-record").hidden = false;
  for (const button of document.querySelectorAll("[data-label], #read-skip")) button.disabled = !record;
  if (!record) return $("read-record").replaceChildren(h("p", {class: "note"}, "There is nothing left to read."));
  const about = [record.id, record.source, record.score === null ? "" : `score ${number(record.score)}`].filter(Boolean).join(" · ");
  $("read-record").replaceChildren(record.title ? h("h2", {dir: "auto"}, record.title) : "", h("p", {class: "note"}, about), h("div", {dir: "auto"}, ...marked(record.text, record.evidence)));
  if ($("read-record").dataset.id !== record.id) fromItsBeginning();
  $("read-record").dataset.id = record.id;
}

/* Whoever had read on to the end of a record sees the beginning of the next, below the keys. */
function fromItsBeginning() {
  const over = $("read-keys").getBoundingClientRect().bottom - $("read-record").getBoundingClientRect().top;
  if (over > 0) for (const scrolled of [$("side"), document.documentElement]) scrolled.scrollTop -= over; // one of them, by the window's width
}

/* The form shows what the records are chosen by, until something else is typed. */
function tell(found) {
  told = true;
  for (const [id, value] of [["read-topic", found.topic], ["read-among", found.where]]) {
    const field = $(id), typed = field.value !== field.defaultValue;
    field.defaultValue = value;
    if (!typed) field.value = value;
  }
  progress(found.progress);
}

function progress(found) {
  $("read-evidence").hidden = false;
  $("read-progress").textContent = `${count(found.found)} relevant of ${count(found.read)} read, of ${counted(found.records, "record")}.`;
  const rows = found.estimates.map((one) => h("tr", {}, h("td", {title: one.assumption}, one.method), ...[one.missed, one.missed_at_most].map((value) => h("td", {}, count(value))), h("td", {}, number(one.recall)), h("td", {}, number(one.recall_at_least))));
  const head = ["by", "missed", "at most", "recall", "at least"].map((name) => h("th", {scope: "col"}, name));
  const verdict = `The rule (recall ${found.stop.recall} at confidence ${found.stop.confidence}, by ${found.stop.method}) says: ${found.stop.advice}.`;
  const assumed = found.estimates.map((one) => h("li", {}, h("strong", {}, one.method), `: ${one.assumption} (${one.source})`));
  const yields = found.yield.map((one) => `${one.first}–${one.last}: ${one.found}`).join(", ");
  const joined = found.joined ? h("p", {class: "note"}, `${counted(found.joined, "unread record")} joined after the last one was read; each counts as possibly missed.`) : "";
  $("read-estimates").replaceChildren(h("p", {id: "read-stop"}, verdict), joined, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
    h("p", {class: "note"}, yields ? `Found per 50 read: ${yields}` : "Nothing read yet."), h("ul", {class: "plain"}, ...assumed));
}
