/* The page: its tabs, the choice of axes and colours, and the address that holds them. */
import {ask, download} from "./client.js";
import {axes as across, now, onMove, set} from "./address.js";
import {$, count, h, saying} from "./dom.js";
import * as asking from "./ask.js";
import * as axes from "./axes.js";
import * as cursor from "./cursor.js";
import * as cut from "./cut.js";
import * as reading from "./read.js";
import {addressed, begin as beginView, load, pick, view} from "./view.js";

/* Each has `begin`, `answer`, which answers again what it was asked, and, where the address holds what was asked, `fill`. */
const PANELS = {ask: asking, cursor, axes, cut, read: reading};

function tabs() {
  const all = [...document.querySelectorAll("[role=tab]")];
  for (const [place, tab] of all.entries()) {
    tab.addEventListener("click", () => { set({tab: tab.getAttribute("aria-controls")}, {step: true}); open(); });
    tab.addEventListener("keydown", (event) => {
      const to = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      all[(to + all.length) % all.length].focus();
      all[(to + all.length) % all.length].click();
    });
  }
}

async function open() {
  const chosen = PANELS[now().tab] ? now().tab : "ask";
  for (const name of Object.keys(PANELS)) {
    $(name).hidden = name !== chosen;
    $(`tab-${name}`).setAttribute("aria-selected", String(name === chosen));
    $(`tab-${name}`).tabIndex = name === chosen ? 0 : -1;
  }
  await PANELS[chosen].answer();
}

/* Puts what the address holds into the forms. */
function fill() {
  for (const panel of Object.values(PANELS)) panel.fill?.();
}

function choices() {
  const names = view.index.axes.map((axis) => axis.name);
  for (const which of ["x", "y"]) {
    $(which).replaceChildren(...names.map((name) => h("option", {}, name)));
    $(which).value = now()[which];
  }
  $("color").replaceChildren(h("option", {value: ""}, "none"), ...view.index.fields.map((name) => h("option", {}, name)));
  $("color").value = now().color ?? "";
}

/* The axes, or which of them are shown, have changed. */
async function changed({move = true} = {}) {
  choices();
  await load({move});
  await open();
}

function exports_() {
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => saying("chosen-error", () => download(button.dataset.export, {...view.selection, axes: across()})));
  }
  $("chosen-none").addEventListener("click", () => { view.plane.select([]); pick([]); });
}

/* What an address leaves out, or names that is not there. */
function complete() {
  const names = view.index.axes.map((axis) => axis.name), fallback = {x: names[0], y: names[1] ?? names[0]};
  for (const which of ["x", "y"]) if (!names.includes(now()[which])) set({[which]: fallback[which]});
  if (!view.index.fields.includes(now().color)) set({color: ""});
}

async function begin() {
  const index = await ask("index");
  view.index = index;
  document.title = `${index.name} · embedsearch`;
  $("name").textContent = index.name;
  $("holds").textContent = `${count(index.documents)} documents, ${count(index.passages)} passages, ${index.encoder}`;
  if (!index.axes.length || !index.passages) {
    $("says").textContent = index.passages ? "The index has no axes yet; add some with: embedsearch axes fit FILE" : "The index is empty; add documents with: embedsearch ingest SOURCE";
    return;
  }
  complete();
  choices();
  tabs();
  exports_();
  for (const panel of Object.values(PANELS)) panel.begin(changed);
  for (const which of ["x", "y", "color"]) {
    $(which).addEventListener("change", () => saying("ask-error", async () => {
      set({[which]: $(which).value, view: ""}, {step: true});
      await changed({move: which !== "color"});
    }));
  }
  document.addEventListener("state", () => open());
  onMove(async () => {
    complete();
    choices();
    fill();
    await saying("ask-error", async () => {
      await load(await addressed());
      await open();
    });
  });
  fill();
  await beginView(index);
  await open();
  document.documentElement.dataset.ready = "true";
}

begin().catch((error) => { $("says").textContent = error.message; });
