/* Axes: define one by the phrases of its ends, or by rating, look at its report, watch the points move, save it. */
import {ask, keep} from "./client.js";
import {now, set} from "./address.js";
import {$, h, lines, saying} from "./dom.js";
import {note, view} from "./view.js";

const TRIED = "tried", DEFINITION = "Definition";
let reload = async () => {};
let trial = ""; // which axis this page tried last: others may try theirs

export function begin(changed) {
  reload = changed;
  $("axes-form").addEventListener("submit", (event) => { event.preventDefault(); tryIt(); });
  $("axes-propose").addEventListener("click", propose);
  $("axes-save").addEventListener("submit", (event) => { event.preventDefault(); save(); });
  $("axes-all").addEventListener("click", () => definition());
  $("axes-copy").addEventListener("click", copy);
  $("axes-download").addEventListener("click", () => keep(new Blob([written()], {type: "application/toml"}), "axes.toml"));
}

export async function answer() {
  const entries = view.index.axes.filter((axis) => axis.name !== TRIED).map((axis) => h("li", {},
    h("strong", {}, axis.name), ` (${axis.kinds.join(", ")}, version ${axis.version}) `,
    h("span", {class: "quiet"}, `${axis.ends[0]} … ${axis.ends[1]} `),
    h("button", {type: "button", class: "link", "aria-label": `report on ${axis.name}`, click: () => report(axis.name)}, "report"), " ",
    h("button", {type: "button", class: "link", "aria-label": `definition of ${axis.name}`, click: () => definition([axis.name])}, "definition")));
  $("axes-list").replaceChildren(...entries);
  $("axes-all").disabled = !entries.length;
}

const written = () => $("axes-report").textContent;

/* Shows a report, or what stands in an axes.toml. */
function show(text, what) {
  $("axes-report").hidden = false;
  $("axes-report").ariaLabel = what;
  $("axes-report").textContent = text;
  $("axes-toml").hidden = what !== DEFINITION;
}

const report = (name) => saying("axes-error", async () => {
  show((await ask("axes/report", {name})).lines.join("\n"), "Report");
  $("axes-report").focus();
});

/* Of the axes named, or of all that are saved. */
const definition = (names) => saying("axes-error", async () => {
  show((await ask("axes/toml", {names})).toml, DEFINITION);
  $("axes-report").focus();
});

/* Browsers give no clipboard to a page that comes without TLS from another machine: there it is marked, to be copied by hand. */
const copy = () => saying("axes-error", async () => {
  try {
    await navigator.clipboard.writeText(written());
    note("Copied.");
  } catch {
    getSelection().selectAllChildren($("axes-report"));
    note("This browser does not let the page copy. The text is selected: press Ctrl+C.");
  }
});

const rateable = () => [...$("axes-rated").querySelectorAll("input")];
const ratings = () => Object.fromEntries(rateable().filter((input) => input.value).map((input) => [input.dataset.phrase, Number(input.value)]));

const tryIt = () => saying("axes-error", async () => {
  const found = await ask("axes/try", {low: lines("axes-low"), high: lines("axes-high"), frames: lines("axes-frames"), ratings: ratings()});
  trial = found.trial;
  show(found.lines.join("\n"), "Report");
  $("axes-save").hidden = false;
  $("axes-propose").disabled = false;
  view.index.axes = [...view.index.axes.filter((axis) => axis.name !== TRIED), found.axis];
  const isShown = [now().x, now().y].includes(TRIED);
  set({...(!isShown && {x: TRIED}), view: ""}, {step: !isShown});
  await reload({move: true});
});

const propose = () => saying("axes-error", async () => {
  const listed = new Set(rateable().map((input) => input.dataset.phrase));
  const phrases = (await ask("axes/propose", {name: TRIED, count: 5})).phrases.filter((phrase) => !listed.has(phrase));
  if (!phrases.length) throw new Error("the phrases that would help most are listed already; rate some of them and try the axis again");
  $("axes-ratings").hidden = false;
  for (const [place, phrase] of phrases.entries()) {
    const id = `rating-${$("axes-rated").children.length + place}`;
    $("axes-rated").append(h("div", {class: "rating"}, h("label", {for: id}, phrase), h("input", {id, inputmode: "decimal", "data-phrase": phrase, type: "number", step: "any"})));
  }
});

/* An axis that is there is replaced when that is asked for again; one that was saved on this page, at once. */
const mine = new Set();
let warned = "";

const save = () => saying("axes-error", async () => {
  const name = $("axes-name").value.trim(), there = view.index.axes.find((one) => one.name === name && name !== TRIED);
  if (there && !mine.has(name) && warned !== name) {
    warned = name;
    throw new Error(`this index already has an axis ${name} (${there.ends.join(" … ")}, version ${there.version}); save again to replace it, or choose another name`);
  }
  warned = "";
  const {axis} = await ask("axes/save", {name, trial});
  mine.add(axis.name);
  view.index.axes = [...view.index.axes.filter((one) => ![axis.name, TRIED].includes(one.name)), axis, ...view.index.axes.filter((one) => one.name === TRIED)];
  set({[now().y === TRIED ? "y" : "x"]: axis.name});
  $("axes-name").value = "";
  await reload({move: false});
  note(`Saved as ${axis.name}, version ${axis.version}.`);
});
