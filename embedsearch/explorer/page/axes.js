/* Axes: define one by the phrases of its ends, or by rating, look at its report, watch the points move, save it. */
import {ask} from "./client.js";
import {now, set} from "./address.js";
import {$, h, lines, saying} from "./dom.js";
import {view} from "./view.js";

const TRIED = "tried";
let reload = async () => {};

export function begin(changed) {
  reload = changed;
  $("axes-form").addEventListener("submit", (event) => { event.preventDefault(); tryIt(); });
  $("axes-propose").addEventListener("click", propose);
  $("axes-save").addEventListener("submit", (event) => { event.preventDefault(); save(); });
}

export async function answer() {
  const entries = view.index.axes.filter((axis) => axis.name !== TRIED).map((axis) => h("li", {},
    h("strong", {}, axis.name), ` (${axis.kinds.join(", ")}, version ${axis.version}) `,
    h("span", {class: "quiet"}, `${axis.ends[0]} … ${axis.ends[1]} `),
    h("button", {type: "button", click: () => report(axis.name)}, "report")));
  $("axes-list").replaceChildren(...entries);
}

const show = (found) => {
  $("axes-report").hidden = false;
  $("axes-report").textContent = found.lines.join("\n");
};

const report = (name) => saying("axes-error", async () => {
  show(await ask("axes/report", {name}));
  $("axes-report").focus();
});

function ratings() {
  const given = {};
  for (const input of $("axes-rated").querySelectorAll("input")) if (input.value.trim()) given[input.dataset.phrase] = Number(input.value);
  return given;
}

const tryIt = () => saying("axes-error", async () => {
  const found = await ask("axes/try", {low: lines("axes-low"), high: lines("axes-high"), frames: lines("axes-frames"), ratings: ratings()});
  show(found);
  $("axes-save").hidden = false;
  $("axes-propose").disabled = false;
  view.index.axes = [...view.index.axes.filter((axis) => axis.name !== TRIED), found.axis];
  set({x: TRIED}, {step: now().x !== TRIED});
  await reload({move: true});
});

const propose = () => saying("axes-error", async () => {
  const {phrases} = await ask("axes/propose", {name: TRIED, count: 5});
  $("axes-ratings").hidden = false;
  for (const [place, phrase] of phrases.entries()) {
    const id = `rating-${$("axes-rated").children.length + place}`;
    $("axes-rated").append(h("div", {class: "rating"}, h("label", {for: id}, phrase), h("input", {id, inputmode: "decimal", "data-phrase": phrase, type: "number", step: "any"})));
  }
});

const save = () => saying("axes-error", async () => {
  const {axis} = await ask("axes/save", {name: $("axes-name").value.trim()});
  view.index.axes = [...view.index.axes.filter((one) => ![axis.name, TRIED].includes(one.name)), axis, ...view.index.axes.filter((one) => one.name === TRIED)];
  set({x: axis.name});
  $("axes-name").value = "";
  await reload({});
  $("says").textContent = `Saved as ${axis.name}, version ${axis.version}.`;
});
