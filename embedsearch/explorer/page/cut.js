/* Cut: a condition with the counts of its parts, and a threshold that is dragged along a histogram. */
import {ask} from "./client.js";
import {now, set} from "./address.js";
import {$, count, counted, h, later, number, saying} from "./dom.js";
import {load, view} from "./view.js";

const WIDTH = 600, HEIGHT = 120;
let shown = null; // the histogram that is drawn

export function begin() {
  $("cut-form").addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  $("cut-all").addEventListener("click", () => { $("cut-where").value = ""; apply(); });
  $("cut-where").addEventListener("input", later(() => saying("cut-error", counts), 300));
  $("cut-axis").addEventListener("change", () => { set({cut: $("cut-axis").value}); answer(); });
  $("cut-percent").addEventListener("input", () => { set({percent: $("cut-percent").value}); threshold(); });
  $("cut-above").addEventListener("click", () => add(">"));
  $("cut-below").addEventListener("click", () => add("<"));
  $("histogram").addEventListener("pointerdown", drag);
}

export function fill() {
  $("cut-where").value = now().where ?? "";
  $("cut-percent").value = now().percent ?? 70;
}

export const answer = () => saying("cut-error", async () => {
  const names = view.index.axes.map((axis) => axis.name);
  $("cut-axis").replaceChildren(...names.map((name) => h("option", {}, name)));
  $("cut-axis").value = names.includes(now().cut) ? now().cut : now().x;
  await Promise.all([counts(), histogram()]);
});

/* A condition stands in the address once it is drawn. */
const apply = () => saying("cut-error", async () => {
  const where = $("cut-where").value.trim();
  await load({where});
  set({where}, {step: true});
  await Promise.all([counts(), histogram()]);
});

async function counts() {
  const where = $("cut-where").value.trim();
  if (!where) return $("cut-counts").replaceChildren();
  const found = await ask("condition", {where}, {kind: "condition"});
  const rows = found.parts.map((part) => h("tr", {}, h("td", {}, part.part), ...[part.seen, part.held, part.left].map((value) => h("td", {}, count(value)))));
  $("cut-counts").replaceChildren(
    h("p", {id: "cut-total"}, `${count(found.passages)} of ${counted(found.total, "passage")}; ${counted(found.documents, "document")}.`),
    h("table", {}, h("thead", {}, h("tr", {}, ...["part", "tested on", "true for", "left"].map((name) => h("th", {scope: "col"}, name)))), h("tbody", {}, ...rows)));
}

async function histogram() {
  if (!view.index.axes.length) return;
  shown = await ask("histogram", {axis: $("cut-axis").value, where: view.where}, {kind: "histogram"});
  const most = Math.max(...shown.counts, 1), step = WIDTH / shown.counts.length;
  const bar = (kind) => (value, place) => svg("rect", {class: kind, x: place * step, width: Math.max(step - 1, 0.5), y: HEIGHT - (HEIGHT * value) / most, height: (HEIGHT * value) / most});
  $("histogram").replaceChildren(svg("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    ...shown.counts.map(bar("all")), ...(view.where ? shown.passing : shown.counts).map(bar("passing")), svg("line", {class: "cut", y1: 0, y2: HEIGHT})));
  threshold();
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function threshold() {
  if (!shown) return;
  const percent = Number($("cut-percent").value), at = shown.percentiles[percent], all = shown.counts.reduce((sum, one) => sum + one, 0);
  const [low, high] = [shown.edges[0], shown.edges.at(-1)], place = (WIDTH * (at - low)) / (high - low || 1);
  for (const name of ["x1", "x2"]) $("histogram").querySelector(".cut").setAttribute(name, place);
  $("cut-says").textContent = `p${percent}: ${number(at)} standard deviations; ${count(shown.above[percent])} of ${count(all)} lie above`;
  $("cut-percent").setAttribute("aria-valuetext", $("cut-says").textContent);
}

/* The percentile nearest to where the pointer is; followed until it is let go. */
function drag(event) {
  if (!shown) return;
  const follow = (moved) => {
    const frame = $("histogram").getBoundingClientRect(), [low, high] = [shown.edges[0], shown.edges.at(-1)];
    const at = low + ((moved.clientX - frame.left) / frame.width) * (high - low);
    const nearest = shown.percentiles.reduce((best, value, place) => (Math.abs(value - at) < Math.abs(shown.percentiles[best] - at) ? place : best), 0);
    $("cut-percent").value = nearest;
    set({percent: nearest});
    threshold();
  };
  follow(event);
  event.preventDefault();
  addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => removeEventListener("pointermove", follow), {once: true});
}

function add(sign) {
  const axis = view.index.axes.find(({name}) => name === $("cut-axis").value);
  const isField = ["id", "title", "text", ...view.index.fields].includes(axis.name), written = isField ? `axis(${JSON.stringify(axis.name)})` : axis.condition;
  const part = `${written} ${sign} p${$("cut-percent").value}`;
  const typed = $("cut-where").value.trim(), before = /\bor\b/.test(typed) ? `(${typed})` : typed; // `and` binds closer
  $("cut-where").value = before ? `${before} and ${part}` : part;
  saying("cut-error", counts);
}
