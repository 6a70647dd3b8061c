/* Ask: a text, or a sum of phrases; both answers of a sum side by side. */
import {ask} from "./client.js";
import {axes, now, set} from "./address.js";
import {$, counted, h, number, saying} from "./dom.js";
import {list} from "./hits.js";
import {mark, ofDrawn, view} from "./view.js";

const SUM = /\S\s+[+-]\s*\S|^\s*-|\d\s*\*/; // what the language of sums looks like

export function begin() {
  $("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    set({q: $("ask-text").value.trim(), like: "", view: "", among: $("ask-among").value.trim(), inputs: $("ask-inputs").checked ? "" : "kept"}, {step: true});
    answer();
  });
  document.addEventListener("like", (event) => likeThis(event.detail));
  document.addEventListener("passage", (event) => saying("view-error", () => ofDrawn(async () => {
    const {passages} = await ask("passages", {rows: [event.detail], epoch: view.drawn.epoch});
    likeThis(passages[0].document);
  })));
}

/* The button of a list goes with the list: whoever pressed it is led to what is said of the next. */
let isLed = false;

function likeThis(document_) {
  isLed = Boolean(document.activeElement?.closest("ol.hits"));
  set({q: "", like: document_, view: "", tab: "ask"}, {step: true});
  fill();
  document.dispatchEvent(new CustomEvent("state"));
}

export function fill() {
  $("ask-text").value = now().q ?? "";
  $("ask-among").value = now().among ?? "";
  $("ask-inputs").checked = now().inputs !== "kept";
}

/* Answers what the address asks. */
export const answer = () => saying("ask-error", async () => {
  const {q, like, among, inputs} = now();
  if (!q && !like) {
    $("ask-says").textContent = "";
    $("ask-answer").replaceChildren();
    mark({});
    return;
  }
  if (q && SUM.test(q)) showSum(await placed("calc", {expression: q, where: among, keep_inputs: inputs === "kept"}));
  else showHits(await placed("search", {text: q, like, where: among}));
});

/* An answer with its places; without them where the axes have no scale, as of one passage: why is said beside the plane. */
async function placed(question, fields) {
  try {
    return await ask(question, {...fields, axes: axes()}, {kind: "answer"});
  } catch (error) {
    if (error.code !== "AxisError") throw error;
    return ask(question, fields, {kind: "answer"});
  }
}

function showHits({hits, at, milliseconds}) {
  const {q, like, x, y} = now();
  const scores = (hit) => `cosine ${number(hit.score, 3)}${hit.bm25 ? `, words ${number(hit.bm25, 1)}` : ""}`;
  $("ask-says").textContent = `${like ? `Like ${like}. ` : ""}${counted(hits.length, "passage")} in ${Math.round(milliseconds)} ms.`;
  $("ask-answer").replaceChildren(list(hits, {scores}));
  if (isLed) $("ask-says").focus();
  isLed = false;
  mark({hits, star: at && {x: at[x], y: at[y], label: q}});
}

function showSum({meaning, plane, terms, sum, milliseconds}) {
  const {x, y} = now(), names = axes();
  const signed = (term) => `${term.weight < 0 ? "−" : ""}${Math.abs(term.weight) === 1 ? "" : `${Math.abs(term.weight)} × `}${term.text}`;
  const rows = terms.map((term) => h("tr", {}, h("td", {}, signed(term)), ...names.map((axis) => h("td", {}, number(term.weight * term.coordinates[axis])))));
  const total = h("tr", {}, h("td", {}, h("strong", {}, "sum")), ...names.map((axis) => h("td", {}, h("strong", {}, number(sum[axis])))));
  const head = h("tr", {}, h("th", {scope: "col"}, "term"), ...names.map((axis) => h("th", {scope: "col"}, axis)));
  $("ask-says").textContent = `Answered in ${Math.round(milliseconds)} ms.`;
  const near = h("div", {id: "by-meaning"}, h("h2", {}, "Nearest in meaning"), list(meaning.hits));
  if (!plane) return $("ask-answer").replaceChildren(near);
  $("ask-answer").replaceChildren(
    h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows, total)),
    h("div", {class: "answers"}, near,
      h("div", {id: "by-plane"}, h("h2", {}, "Nearest on the axes"), list(plane.hits, {scores: (hit) => `distance ${number(hit.distance)}`}))));
  let [left, low] = [0, 0];
  const arrows = terms.map((term) => {
    const from = {x0: left, y0: low};
    left += term.weight * term.coordinates[x];
    low += term.weight * term.coordinates[y];
    return {...from, x1: left, y1: low, label: signed(term)};
  });
  mark({hits: plane.hits, arrows, star: {x: sum[x], y: sum[y], label: now().q}});
}
