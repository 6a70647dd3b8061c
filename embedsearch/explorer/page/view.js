/* The plane: which points are drawn, in what colours, and what lies on top of them. */
import {ask, unpack} from "./client.js";
import {now, set} from "./address.js";
import {$, count, h, later, saying} from "./dom.js";

const TEXTS_AHEAD = 2000; // points whose texts are fetched before the pointer comes
const AT_ONCE = 200; // passages of one request
const MOVING = 6000; // points that are seen moving to other axes
const FRAMES = 10;

/* `where` is the condition that is drawn; `selection` is what was chosen, {epoch, rows}, or null: rows alone say nothing,
   since the index may number them anew. */
export const view = {plane: null, index: null, drawn: null, texts: new Map(), where: "", selection: null};
let marking = false; // something lies on top of the points
let alone = null; // the value of a field that is shown alone: {field, name}, where the name of all others is null
let settling = false; // the view is being set by us, not by the reader

const axisNamed = (name) => view.index.axes.find((axis) => axis.name === name);
const titles = () => {
  const [x, y] = [axisNamed(now().x), axisNamed(now().y)];
  const room = (length) => Math.max(8, Math.floor(length / 15)); // letters that half a side of the plane holds
  const {clientWidth, clientHeight} = $("plane");
  const ends = (axis, length) => axis.ends.map((end) => short(end, room(length)));
  return {xTitle: `${x.name} (standard deviations)`, yTitle: `${y.name} (standard deviations)`, xEnds: ends(x, clientWidth), yEnds: ends(y, clientHeight - 160)};
};

/* plotly takes most of a second to begin; until then a sketch of the points stands where it will draw them. */
const plotly = () => new Promise((ready, failed) => {
  const script = h("script", {src: "/page/plotly.min.js"});
  script.addEventListener("load", ready, {once: true});
  script.addEventListener("error", () => failed(new Error("plotly is not there; install it with: pip install plotly")), {once: true});
  document.head.append(script);
});

function sketch({x, y}) {
  const canvas = h("canvas", {class: "sketch", "aria-hidden": "true"}), {clientWidth, clientHeight} = $("plane");
  [canvas.width, canvas.height] = [clientWidth, clientHeight];
  const brush = canvas.getContext("2d"), scale = (values, from, to) => {
    const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    const margin = (high - low) * 0.05 || 1;
    return (value) => from + ((to - from) * (value - low + margin)) / (high - low + 2 * margin);
  };
  const across = scale(x, 56, clientWidth - 12), up = scale(y, clientHeight - 56, 12); // plotly's own margins
  brush.fillStyle = getComputedStyle($("plane")).getPropertyValue("--plane-point");
  brush.globalAlpha = 0.85;
  for (let place = 0; place < x.length; place++) {
    brush.beginPath();
    brush.arc(across(x[place]), up(y[place]), x.length < 4000 ? 3.5 : x.length < 20000 ? 2.5 : 1.5, 0, 7);
    brush.fill();
  }
  $("plane").append(canvas);
  return new Promise((painted) => requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.sketched = performance.now().toFixed(); // milliseconds since the page was asked for
    painted();
  })));
}

export async function begin(index) {
  view.index = index;
  const found = await addressed();
  await sketch(unpacked(found.points));
  await plotly();
  view.plane = new Plane($("plane"), {...titles(), label: "Passages on two axes. Arrow keys move, plus and minus zoom, 0 shows all."});
  const soon = later(zoomed, 250);
  view.plane.onView((range) => { if (!settling) soon(range); });
  view.plane.onHover(hovered);
  view.plane.onClick((place) => document.dispatchEvent(new CustomEvent("passage", {detail: view.drawn.rows[place]})));
  view.plane.onSelect((places) => pick(places));
  for (const button of document.querySelectorAll("[data-mode]")) button.addEventListener("click", () => dragging(button.dataset.mode));
  $("whole").addEventListener("click", () => view.plane.view(null));
  if (!view.plane.webgl) $("says").dataset.plain = "This browser has no WebGL: a plain picture of some of the points is shown. ";
  await load(found);
  $("plane").querySelector(".sketch").remove();
}

export function dragging(mode) {
  for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  view.plane.mode(mode);
}

/* What the address asks for. A condition that cannot be answered is left to the form of Cut, which says why. */
export async function addressed() {
  const where = now().where ?? "";
  try {
    return {where, points: await asked({where})};
  } catch (error) {
    if (!where || error.name === "AbortError") throw error;
    const points = await asked({where: ""});
    set({where: "", tab: "cut"});
    return {where: "", points};
  }
}

/* Fetches the points of the axes chosen; with `move` those that were there move to their new places. */
export async function load({move = false, where = view.where, points = asked({where})} = {}) {
  const before = view.drawn;
  const found = unpacked(await points);
  view.where = where;
  mark({}); // it lies where the axes before had it; who drew it draws it again
  view.plane.axes(titles());
  if (move && before && same(before.rows, found.rows)) await moving(before, found);
  show(found);
  const box = (now().view ?? "").split(",").map(Number);
  if (!move && box.length === 4 && box.every(Number.isFinite)) settle(box);
  await view.plane.drawn;
  setTimeout(() => fetchTexts(Array.from(found.rows.slice(0, TEXTS_AHEAD))).catch(() => {}), 200);
}

const asked = (more) => ask("points", {x: now().x, y: now().y, where: view.where, field: now().color, limit: view.index.sample, ...more}, {kind: "points"});

function unpacked(answer) {
  const points = {...answer, rows: unpack(answer.rows, Int32Array), x: unpack(answer.x, Float32Array), y: unpack(answer.y, Float32Array)};
  points.place = new Map(Array.from(points.rows, (row, place) => [row, place]));
  if (answer.field?.kind === "text") Object.assign(points, {codes: unpack(answer.field.codes, Int32Array), names: answer.field.names});
  if (answer.field?.kind === "number") points.values = unpack(answer.field.values, Float32Array);
  return points;
}

const same = (one, other) => one.length === other.length && one.every((row, place) => row === other[place]);

async function moving(from, to) {
  if (to.rows.length > MOVING || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (let frame = 1; frame < FRAMES; frame++) {
    const share = frame / FRAMES, eased = share * share * (3 - 2 * share);
    const between = (a, b) => Float32Array.from(a, (value, place) => value + (b[place] - value) * eased);
    draw({...to, x: between(from.x, to.x), y: between(from.y, to.y)}, () => "");
    await view.plane.drawn;
    await new Promise(requestAnimationFrame);
  }
}

function show(points) {
  if (view.drawn?.epoch !== points.epoch) view.texts = new Map(); // the numbers of rows mean others now
  view.drawn = points;
  if (view.selection && view.selection.epoch !== points.epoch) {
    view.selection = null;
    chosen("The index has numbered its passages anew since these were selected; select them again.");
  }
  draw(points, (place) => told(points.rows[place]));
  says();
  legend(points);
  if (view.selection) chosen();
}

/* What is selected stays so by its rows, and what is shown alone by its name. */
function draw(points, hover) {
  const {x, y, codes, values} = points;
  view.plane.points({x, y, codes, values, hover});
  view.plane.isolate(codeAlone(points));
  view.plane.select(selected(points));
}

function settle([x0, x1, y0, y1]) {
  settling = true;
  view.plane.view({x0, x1, y0, y1});
  settling = false;
}

function says() {
  const {total, inside, shown} = view.drawn;
  const part = shown < inside ? `${count(shown)} of ${count(inside)} passages in view are drawn; zoom in for more.` : `${count(shown)} passages${inside < total ? ` of ${count(total)} are in view` : ""}.`;
  $("says").textContent = ($("says").dataset.plain ?? "") + (view.where ? `Only where ${view.where}: ` : "") + part;
}

/* Detail on demand: where not all points are drawn, those in view are fetched. */
async function zoomed(range) {
  const box = [range.x0, range.x1, range.y0, range.y1];
  set({view: box.map((value) => value.toFixed(3)).join(",")});
  if (view.drawn.shown === view.drawn.total) return;
  try {
    show(unpacked(await asked({box})));
    settle(box);
    fetchTexts(Array.from(view.drawn.rows.slice(0, AT_ONCE)));
  } catch (error) {
    if (error.name !== "AbortError") $("says").textContent = error.message;
  }
}

/* -- texts ------------------------------------------------------------------------------------------- */

const told = (row) => {
  const one = view.texts.get(row);
  return one ? [one.title, one.text].filter(Boolean).join("\n").slice(0, 280) : "";
};

export async function fetchTexts(rows) {
  const {texts, drawn} = view, missing = rows.filter((row) => !texts.has(row));
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const {passages} = await ask("passages", {rows: missing.slice(start, start + AT_ONCE), epoch: drawn.epoch});
    for (const one of passages) texts.set(one.row, one);
  }
}

const hovered = later(async (place) => {
  if (place === null || !view.drawn) return;
  const row = view.drawn.rows[place];
  await fetchTexts([row]).catch(() => {});
  if (view.texts.has(row)) $("says").textContent = told(row).replace(/\n/g, " | ");
}, 60);

/* -- what lies on top -------------------------------------------------------------------------------- */

/* Rings around what was found, with names as far as there is room for them; the view is brought to it. */
export function mark({hits = [], arrows = [], star = null}) {
  const nothing = !hits.length && !arrows.length && !star;
  if (nothing && !marking) return; // the plane is not drawn again for nothing
  marking = !nothing;
  const [x, y] = [now().x, now().y];
  const placed = hits.filter((hit) => x in (hit.coordinates ?? {})).map((hit) => ({x: hit.coordinates[x], y: hit.coordinates[y], text: short(hit.title || hit.text)}));
  const box = around([...placed, ...arrows.flatMap((one) => [{x: one.x0, y: one.y0}, {x: one.x1, y: one.y1}]), ...(star ? [star] : [])]);
  view.plane.rings(placed);
  view.plane.arrows(arrows);
  view.plane.star(star?.x ?? null, star?.y, star?.label ?? "");
  view.plane.labels(box ? apart(placed, box, [...arrows.map((one) => ({x: (one.x0 + one.x1) / 2, y: (one.y0 + one.y1) / 2, label: one.label})), star]) : []);
  if (box && !now().view) settle(box);
}

function around(points) {
  if (!points.length) return null;
  const span = (values) => {
    const low = Math.min(...values), high = Math.max(...values), margin = Math.max(0.4, (high - low) * 0.25);
    return [low - margin, high + margin];
  };
  return [...span(points.map((point) => point.x)), ...span(points.map((point) => point.y))];
}

/* Names above their points, the best answers first; one that would cover another is left out. */
function apart(placed, [left, right, low, high], others) {
  const {clientWidth, clientHeight} = $("plane"), wide = (right - left) / clientWidth, tall = (high - low) / clientHeight;
  const taken = others.filter(Boolean).map((one) => ({x: one.x, y: one.y + 14 * tall, half: 4 * one.label.length * wide})), named = [];
  for (const {x, y, text} of placed) {
    const one = {x, y: y + 14 * tall, half: 4 * text.length * wide};
    if (taken.some((other) => Math.abs(other.x - one.x) < other.half + one.half && Math.abs(other.y - one.y) < 16 * tall)) continue;
    taken.push(one);
    named.push({x, y: one.y, text});
  }
  return named;
}

export const short = (text, most = 32) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/* -- selection ---------------------------------------------------------------------------------------- */

export const pick = (places) => saying("chosen-error", async () => {
  const {epoch, rows} = view.drawn, selection = places.length ? {epoch, rows: places.map((place) => rows[place])} : null;
  view.selection = selection;
  chosen();
  const first = selection?.rows.slice(0, 50) ?? [];
  await fetchTexts(first);
  if (view.selection !== selection) return; // another was made meanwhile
  $("chosen-list").replaceChildren(...first.map((row) => h("li", {}, told(row).split("\n")[0] || "…")));
});

const selected = ({epoch, place}) => (view.selection?.epoch === epoch ? view.selection.rows.map((row) => place.get(row)).filter((one) => one !== undefined) : []);

function chosen(error = "") {
  const {selection} = view;
  $("chosen").hidden = !selection && !error;
  for (const button of document.querySelectorAll("[data-export]")) button.disabled = !selection;
  $("chosen-error").textContent = error;
  if (!selection) {
    $("chosen-count").textContent = "Nothing selected";
    return $("chosen-list").replaceChildren();
  }
  const all = selection.rows.length, here = selected(view.drawn).length;
  $("chosen-count").textContent = `${count(all)} selected${here < all ? `, ${count(here)} of them drawn` : ""}`;
}

/* -- legend ------------------------------------------------------------------------------------------- */

function legend(points) {
  if (!points.codes) return $("legend").replaceChildren();
  const pressed = codeAlone(points);
  const button = (label, code, name) => h("button", {type: "button", "aria-pressed": String(code === pressed), click: (event) => isolate(event.currentTarget, name)},
    h("i", {style: `background: var(--plane-${code < 0 ? "faint" : `color-${code}`})`}), label);
  const others = pressed === -1 || points.codes.includes(-1) ? [button("others", -1, null)] : [];
  $("legend").replaceChildren(...points.names.map((name, code) => button(name, code, name)), ...others);
}

function isolate(button, name) {
  alone = button.getAttribute("aria-pressed") === "true" ? null : {field: now().color, name};
  for (const other of $("legend").children) other.setAttribute("aria-pressed", String(alone !== null && other === button));
  view.plane.isolate(codeAlone(view.drawn));
}

/* The code of the value that is shown alone, null where all are. */
function codeAlone({codes, names}) {
  if (!codes || alone === null || alone.field !== now().color) return null;
  return alone.name === null ? -1 : names.includes(alone.name) ? names.indexOf(alone.name) : null;
}
