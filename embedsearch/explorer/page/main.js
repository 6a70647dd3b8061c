/* The page: its tabs, the choice of axes and colours, and the address that holds them. */
import {ask, download, learned} from "./client.js";
import {PILES, axes as across, now, onMove, set} from "./address.js";
import {$, counted, h, saying} from "./dom.js";
import * as asking from "./ask.js";
import * as axes from "./axes.js";
import * as cursor from "./cursor.js";
import * as cut from "./cut.js";
import * as means from "./means.js";
import * as reading from "./read.js";
import {follow, load, ofDrawn, pick, redraw, view} from "./view.js";

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
  const chosen = Object.hasOwn(PANELS, now().tab) ? now().tab : "ask";
  document.querySelector("main").dataset.tab = chosen;
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
  document.documentElement.classList.toggle("without-axes", !names.length);
  const options = names.map((name) => h("option", {}, name)), others = names.filter((name) => name !== now().x);
  $("x").replaceChildren(...options);
  $("y").replaceChildren(...others.map((name) => h("option", {}, name)), h("option", {value: PILES}, "passages"));
  for (const which of ["x", "y"]) $(which).value = now()[which];
  $("color").replaceChildren(h("option", {value: ""}, "none"), ...view.index.fields.map((name) => h("option", {}, name)));
  $("color").value = now().color ?? "";
  means.choices();
  reading.choices();
}

/* The axes, or which of them are shown, have changed. */
async function changed({move}) {
  complete();
  choices();
  await load({move});
  await open();
}

function exports_() {
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => saying("view-error", () => ofDrawn(() => download(button.dataset.export, {...view.selection, axes: across()}))));
  }
  $("chosen-none").addEventListener("click", () => { view.plane.select([]); pick([]); });
}

/* What an address leaves out, or names that is not there. An axis up that is across too says nothing more. */
function complete() {
  const names = view.index.axes.map((axis) => axis.name);
  if (!names.includes(now().x)) set({x: names.find((name) => name !== now().y) ?? names[0]});
  const {x, y} = now();
  if (!names.length) set({y: ""});
  else if (y === x) set({y: PILES});
  else if (y !== PILES && !names.includes(y)) set({y: names.find((name) => name !== x) ?? PILES});
  if (!view.index.fields.includes(now().color)) set({color: "", means: ""});
}

/* An axis that is tried is among the choices of those who have tried one. */
function told(index) {
  const hasTried = index.tried && view.index?.axes.some((axis) => axis.name === index.tried.name);
  view.index = {...index, axes: hasTried ? [...index.axes, index.tried] : index.axes};
  document.title = `${index.name} · embedsearch`;
  $("name").textContent = index.name;
  $("holds").textContent = `${counted(index.documents, "document")}, ${counted(index.passages, "passage")}, ${index.encoder}`;
}

/* The index has changed elsewhere: what there is to choose from is what it holds now, and what is drawn lies where it
   lies now. A record that is being read stays, since a key may be on its way to it. */
let noticing = false, missed = false;
async function notice() {
  missed = noticing;
  if (noticing) return;
  noticing = true;
  await catchUp();
  if (missed) await catchUp(); // once: what changes all the time is noticed with what is asked next
  noticing = false;
}

async function catchUp() {
  const index = await ask("index").catch(() => null);
  if (!index) return; // whatever is asked by the reader says why
  try {
    const before = now(), had = JSON.stringify(view.index.axes);
    learned(index.state);
    told(index);
    const names = view.index.axes.map((axis) => axis.name), others = JSON.stringify(view.index.axes) !== had;
    complete();
    choices();
    const gone = [before.x, before.y].filter((name) => name && name !== PILES && !names.includes(name));
    const hadNone = !view.drawn, drawn = await redraw(gone.length ? `This index no longer has the axis ${gone.join(" and ")}. ` : "");
    if (gone.length || hadNone) $("view-error").textContent = "";
    if ((drawn || others) && now().tab !== "read") await open();
  } catch (error) {
    if (error.name !== "AbortError") $("view-error").textContent = error.message;
  }
}

async function begin() {
  const index = await ask("index");
  told(index);
  reading.first();
  complete();
  choices();
  tabs();
  exports_();
  for (const panel of Object.values(PANELS)) panel.begin(changed);
  means.begin();
  for (const which of ["x", "y", "color"]) {
    $(which).addEventListener("change", () => saying("view-error", async () => {
      const move = which !== "color", {x, y} = now(); // what is in view stays so in other colours
      const turned = which === "x" && $("x").value === y && {y: x}; // the axis that was up goes across, and the other one up
      set({[which]: $(which).value, ...turned, ...(move && {view: ""})}, {step: true});
      await changed({move});
    }));
  }
  document.addEventListener("state", () => open());
  document.addEventListener("changed", notice);
  addEventListener("focus", notice);
  learned(index.state);
  onMove(async () => {
    complete();
    choices();
    fill();
    await saying("view-error", follow);
    await open();
  });
  fill();
  await saying("view-error", follow);
  await open();
  document.documentElement.dataset.ready = "true";
}

begin().catch((error) => { $("view-error").textContent = error.message; });
