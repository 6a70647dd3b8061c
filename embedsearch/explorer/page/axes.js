/* Axes: define one by the phrases of its ends, or by rating, look at its report, watch the points move, save it. */
import {ask} from "./client.js";
import {now, set} from "./address.js";
import {$, h, lines, saying} from "./dom.js";
import {view} from "./view.js";

const TRIED = "tried";
let reload = async () => {};
let trial = ""; // which axis this page tried last: others may try theirs

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
    h("button", {type: "button", "aria-label": `report on ${axis.name}`, click: () => report(axis.name)}, "report")));
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

const rateable = () => [...$("axes-rated").querySelectorAll("input")];
const ratings = () => Object.fromEntries(rateable().filter((input) => input.value).map((input) => [input.dataset.phrase, Number(input.value)]));

const tryIt = () => saying("axes-error", async () => {
  const found = await ask("axes/try", {low: lines("axes-low"), high: lines("axes-high"), frames: lines("axes-frames"), ratings: ratings()});
  trial = found.trial;
  show(found);
  $("axes-save").hidden = false;
  $("axes-propose").disabled = false;
  view.index.axes = [...view.index.axes.filter((axis) => axis.name !== TRIED), found.axis];
  set({x: TRIED, view: ""}, {step: now().x !== TRIED});
  await reload({move: true});
});

const propose = () => saying("axes-error", async () => {
  const listed = new Set(rateable().map((input) => input.dataset.phrase));
  const phrases = (await ask("axes/propose", {name: TRIED, count: 5})).phrases.filter((phrase) => !listed.has(phrase));
  if (!phrases.length) throw new Error("what would help most is listed already; rate some of it and try the axis again");
  $("axes-ratings").hidden = false;
  for (const [place, phrase] of phrases.entries()) {
    const id = `rating-${$("axes-rated").children.length + place}`;
    $("axes-rated").append(h("div", {class: "rating"}, h("label", {for: id}, phrase), h("input", {id, inputmode: "decimal", "data-phrase": phrase, type: "number", step: "any"})));
  }
});

const save = () => saying("axes-error", async () => {
  const {axis} = await ask("axes/save", {name: $("axes-name").value.trim(), trial});
  view.index.axes = [...view.index.axes.filter((one) => ![axis.name, TRIED].includes(one.name)), axis, ...view.index.axes.filter((one) => one.name === TRIED)];
  set({x: axis.name});
  $("axes-name").value = "";
  await reload({move: false});
  $("says").textContent = `Saved as ${axis.name}, version ${axis.version}.`;
});
