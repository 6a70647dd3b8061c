/* The plane: which points are drawn, in what colours, and what lies on top of them. */
import {ask, unpack} from "./client.js";
import {PILES, now, set} from "./address.js";
import {$, count, counted, h, later, saying} from "./dom.js";

const TEXTS_AHEAD = 2000; // points whose texts are fetched before the pointer comes
const AT_ONCE = 200; // passages of one request
const MOVING = 6000; // points that are seen moving to other axes
const FRAMES = 10;
const ABOVE = 14; // pixels from a ring to its name
const OVER = 1.22, LEVEL = 0.105; // how high the plane reaches over the highest pile, where arrows and stars have their place, and each mean
const CHANGED = "The index has changed since these passages were drawn. They are being redrawn; select again.";

/* `index` is what the index holds, as far as the page knows; `where` is the condition that is drawn; `selection` is what was chosen, {epoch, rows}, or null: rows alone say nothing,
   since the index may number them anew. There is no `plane` before points are drawn, and none of an index without axes. */
export const view = {plane: null, index: null, drawn: null, texts: new Map(), where: "", selection: null};
let marked = null; // what lies on top of the points
let alone = null; // the value of a field that is shown alone: {field, name}, where the name of all others is null
let settling = false; // the view is being set by us, not by the reader
let loading = 0; // how many ask for other points: what is in view takes the place of none of them
let latest = null; // the last of these
let means = []; // of groups: {name, code, on: {axis: {mean, low, high}}}
let lead = ""; // what is said before what is drawn, until other points are asked for

const axisNamed = (name) => view.index.axes.find((axis) => axis.name === name);
const titles = () => {
  const x = axisNamed(now().x), y = axisNamed(now().y), titled = (axis) => `${axis.name} (standard deviations)`;
  return {xTitle: titled(x), xEnds: x.ends, yTitle: y ? titled(y) : "passages", yEnds: y?.ends ?? ["", ""]};
};
const called = () => `Passages ${isPiled() ? `along ${now().x}, stacked where they lie` : "on two axes"}. Arrow keys move, plus and minus zoom, 0 shows all.`;
const isPiled = () => now().y === PILES;

/* plotly takes most of a second to begin; until then a sketch of the points stands where it will draw them. */
const plotly = () => new Promise((ready, failed) => {
  const script = h("script", {src: "/page/plotly.min.js"});
  script.addEventListener("load", ready, {once: true});
  script.addEventListener("error", () => failed(new Error("plotly is not installed; install it with: pip install plotly")), {once: true});
  document.head.append(script);
});

function sketch({x, y, range}) {
  const canvas = h("canvas", {class: "sketch", "aria-hidden": "true"}), {clientWidth, clientHeight} = $("plane");
  [canvas.width, canvas.height] = [clientWidth, clientHeight];
  const [left, right, low, high] = addressed() ?? [range.x, range.y].flatMap(Plane.roomy);
  const brush = canvas.getContext("2d"), scale = (least, most, from, to) => (value) => from + ((to - from) * (value - least)) / (most - least);
  const across = scale(left, right, 56, clientWidth - 12), up = scale(low, high, clientHeight - 56, 12); // plotly's own margins
  brush.rect(56, 12, clientWidth - 68, clientHeight - 68);
  brush.clip();
  brush.fillStyle = getComputedStyle($("plane")).getPropertyValue("--plane-point");
  brush.globalAlpha = 0.85;
  for (let place = 0; place < x.length; place++) {
    brush.beginPath();
    brush.arc(across(x[place]), up(y[place]), x.length < 4000 ? 3.5 : x.length < 20000 ? 2.5 : 1.5, 0, 7);
    brush.fill();
  }
  $("plane").replaceChildren(canvas);
  return new Promise((painted) => requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.sketched = performance.now().toFixed(); // milliseconds since the page was asked for
    painted();
  })));
}

async function begin(points) {
  await sketch(points);
  await plotly();
  view.plane = new Plane($("plane"), {...titles(), thin: true});
  const soon = later(zoomed, 250);
  view.plane.onView = (range) => { if (!settling) soon(range, asking()); };
  view.plane.onHover = hovered;
  view.plane.onClick = (place) => document.dispatchEvent(new CustomEvent("passage", {detail: view.drawn.rows[place]}));
  view.plane.onSelect = pick;
  for (const button of document.querySelectorAll("[data-mode]")) button.addEventListener("click", () => dragging(button.dataset.mode));
  $("whole").addEventListener("click", () => view.plane.view(null));
  if (!view.plane.webgl) $("says").dataset.plain = "This browser has no WebGL: a plain picture of some of the points is shown. ";
}

/* The plane is begun with the first points, once: others may be asked for while plotly begins. */
let beginning = null;
const begun = (points) => (beginning ??= begin(points).catch((error) => { beginning = null; throw error; }));

function dragging(mode) {
  for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  view.plane.mode(mode);
}

/* Draws what the address asks for. A condition that cannot be answered is left to the form of Cut, which says why. */
export async function follow() {
  const where = now().where ?? "";
  try {
    await load({where});
  } catch (error) {
    if (!where || error.name === "AbortError") throw error;
    await load({where: ""});
    set({where: "", tab: "cut"});
  }
}

/* Fetches the points of the axes chosen; with `move` those that were there move to their new places. */
export async function load(wanted = {}) {
  if (!view.index.axes.length) return;
  const {view: at} = now();
  lead = "";
  busy(1);
  latest = drawing(wanted).finally(() => busy(-1));
  await latest;
  if (now().view !== at) await detail(addressed()); // the reader has moved on meanwhile
}

function busy(more) {
  loading += more;
  $("plane").setAttribute("aria-busy", String(loading > 0));
}

async function drawing({move = false, where = view.where}) {
  const before = view.drawn, of = holding(), {generation} = view.index, found = Object.assign(await asked({where}), {of, generation});
  await begun(found);
  view.where = where;
  mark({}); // it lies where the axes before had it; who drew it draws it again
  cross([]);
  view.plane.axes(titles());
  $("plane").setAttribute("aria-label", called());
  if (move && before && same(before.rows, found.rows)) await moving(before, found);
  show(found);
  const box = addressed();
  if (box) settle(box);
  await view.plane.drawn;
  document.dispatchEvent(new CustomEvent("drawn"));
  $("plane").querySelector(".sketch")?.remove();
  setTimeout(() => ahead(found.rows.slice(0, TEXTS_AHEAD)), 200);
}

/* What the places of points hang on. */
const holding = () => JSON.stringify([view.index.generation, axisNamed(now().x), axisNamed(now().y)]);

/* Draws anew where points may lie elsewhere by now, once those are there that others ask for, and says why; true if so. */
export async function redraw(why) {
  while (loading) await latest.catch(() => {});
  if (!view.index.axes.length || view.drawn?.of === holding()) return false;
  await load();
  if (why) {
    lead = why;
    says();
  }
  return true;
}

/* What the address says is in view: left, right, bottom and top. */
function addressed() {
  const box = (now().view ?? "").split(",").map(Number);
  return box.length === 4 && box.every(Number.isFinite) ? box : null;
}

/* Of an index that is not drawn whole, the points in view. */
async function asked(more) {
  const {passages, sample} = view.index, box = passages > sample ? addressed() : null, piled = isPiled();
  const answer = await ask("points", {x: now().x, y: piled ? null : now().y, where: view.where, field: now().color, limit: sample, box, ...more}, {kind: "points"});
  return unpacked({...answer, piled});
}

/* Asks of passages that are drawn. Where the index has changed since, they are drawn anew, and none is selected. */
export async function ofDrawn(work) {
  try {
    await work();
  } catch (error) {
    if (error.code !== "changed") throw error;
    view.selection = null;
    await load();
    document.dispatchEvent(new CustomEvent("state")); // what was asked is answered anew
    throw new Error(CHANGED);
  }
}

function unpacked(answer) {
  const points = {...answer, rows: unpack(answer.rows, Int32Array), x: unpack(answer.x, Float32Array), y: unpack(answer.y, Float32Array)};
  points.place = new Map(Array.from(points.rows, (row, place) => [row, place]));
  if (answer.field?.kind === "text") Object.assign(points, {codes: unpack(answer.field.codes, Int32Array), names: answer.field.names});
  if (answer.field?.kind === "number") points.values = unpack(answer.field.values, Float32Array);
  if (answer.piled) Object.assign(points, {top: answer.range.y[1], range: {...answer.range, y: [0, reach() * answer.range.y[1]]}});
  return points;
}

const same = (one, other) => one.length === other.length && one.every((row, place) => row === other[place]);

async function moving(from, to) {
  if (to.rows.length > MOVING || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (let frame = 1; frame < FRAMES; frame++) {
    const share = frame / FRAMES, eased = share * share * (3 - 2 * share);
    const between = (a, b) => Float32Array.from(a, (value, place) => value + (b[place] - value) * eased);
    draw({...to, range: undefined, x: between(from.x, to.x), y: between(from.y, to.y)}, () => "");
    await view.plane.drawn;
    await new Promise(requestAnimationFrame);
  }
}

function show(points) {
  if (view.drawn?.epoch !== points.epoch || view.drawn.generation !== points.generation) view.texts = new Map(); // of rows that mean others now, or have changed
  view.drawn = points;
  if (view.selection && view.selection.epoch !== points.epoch) {
    view.selection = null;
    lead = "The index has renumbered its passages since you selected some; select them again. ";
  }
  draw(points, (place) => told(points.rows[place]));
  says();
  legend(points);
  chosen();
}

/* What is selected stays so by its rows, and what is shown alone by its name. */
function draw(points, hover) {
  const {x, y, codes, values, range} = points;
  view.plane.points({x, y, codes, values, range, hover});
  view.plane.isolate(codeAlone(points));
  view.plane.select(selected(points));
}

function settle([x0, x1, y0, y1]) {
  settling = true;
  view.plane.view({x0, x1, y0, y1});
  settling = false;
}

function says() {
  delete $("says").dataset.note;
  const {total, inside, shown} = view.drawn;
  const part = shown < inside ? `${count(shown)} of ${count(inside)} passages in view are drawn; zoom in for more.` : `${counted(shown, "passage")}${inside < total ? ` of ${count(total)} ${shown === 1 ? "is" : "are"} in view` : ""}.`;
  $("says").textContent = lead + ($("says").dataset.plain ?? "") + (view.where ? `Only where ${view.where}: ` : "") + part;
}

/* What was done stands below the plane, in the place of what is drawn, until something else is done. */
export function note(text) {
  $("says").textContent = text;
  $("says").dataset.note = "";
  pointed = null;
}

export function drawnAgain() {
  if (!("note" in $("says").dataset)) return;
  delete $("says").dataset.note;
  if (view.drawn) says();
  else $("says").replaceChildren();
}

/* What decides the view beside the reader's hand. */
const asking = () => JSON.stringify([now().x, now().y, now().q, now().like, now().view]);

async function zoomed(range, asked) {
  if (asked !== asking()) return; // other axes were chosen since, or something was asked: that has brought its own view
  const box = [range.x0, range.x1, range.y0, range.y1];
  set({view: box.map((value) => value.toFixed(3)).join(",")});
  await detail(box);
}

/* Detail on demand: where not all points are drawn, those in view are fetched. The view may have moved on meanwhile. */
async function detail(box) {
  if (!box || loading || view.drawn.shown === view.drawn.total) return;
  try {
    const {of, generation} = view.drawn, found = Object.assign(await asked({box}), {of, generation}), {x0, x1, y0, y1} = view.plane.range;
    show(found);
    if (found.piled) lay(marked); // a ring is where its point is drawn
    settle([x0, x1, y0, y1]);
    ahead(view.drawn.rows.slice(0, AT_ONCE));
  } catch (error) {
    if (error.name !== "AbortError") $("view-error").textContent = error.message;
  }
}

/* -- texts ------------------------------------------------------------------------------------------- */

const told = (row) => {
  const one = view.texts.get(row);
  return one ? [one.title, one.text].filter(Boolean).join("\n").slice(0, 280) : "";
};

async function fetchTexts(rows) {
  const {texts, drawn} = view, missing = rows.filter((row) => !texts.has(row));
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const {passages} = await ask("passages", {rows: missing.slice(start, start + AT_ONCE), epoch: drawn.epoch});
    for (const one of passages) texts.set(one.row, one);
  }
}

/* Before they are wanted; one who asks for a passage is told what is wrong. */
const ahead = (rows) => fetchTexts(Array.from(rows)).catch(() => {});

/* What the pointer is on is said below the plane while it is there. */
let pointed = null;
const hovered = later(async (place) => {
  if (place === null && pointed !== null) says();
  pointed = place === null ? null : view.drawn.rows[place];
  if (pointed === null) return;
  const row = pointed;
  await ahead([row]);
  if (row !== pointed || !view.texts.has(row)) return;
  delete $("says").dataset.note;
  $("says").textContent = told(row).replace(/\n/g, " | ");
}, 60);

/* -- what lies on top -------------------------------------------------------------------------------- */

/* Rings around what was found, with names as far as there is room for them; the view is brought to it. */
export function mark({hits = [], arrows = [], star = null}) {
  const nothing = !hits.length && !arrows.length && !star;
  if (!view.plane || (nothing && !marked)) return; // the plane is not drawn again for nothing
  marked = nothing ? null : {hits, arrows, star};
  let box = around(lay(marked));
  if (!box || now().view) return;
  if (view.drawn.piled) box = aroundAll(box);
  settle(box);
  detail(box);
}

/* Draws what lies on top, and returns where. */
function lay(given) {
  const {x, y} = now(), {hits, arrows, star} = raised(given ?? {hits: [], arrows: [], star: null});
  const placed = hits.filter((hit) => x in (hit.coordinates ?? {})).map((hit) => ({x: hit.coordinates[x], y: hit.height ?? hit.coordinates[y], text: short(hit.title || hit.text), yshift: ABOVE}));
  view.plane.rings(placed);
  view.plane.arrows(arrows);
  view.plane.star(star?.x ?? null, star?.y, star?.label ?? "");
  view.plane.labels(placed); // the best answers first
  return [...placed, ...arrows.flatMap((one) => [{x: one.x0, y: one.y0}, {x: one.x1, y: one.y1}]), ...(star ? [star] : [])];
}

/* Over piles, arrows lie one above the other, and a line leads from the star down to the axis. What is found lies where it
   is drawn, or on the axis where it is not. */
function raised({hits, arrows, star}) {
  const {piled, top, place, y} = view.drawn;
  if (!piled) return {hits, arrows, star};
  const level = (step) => top * (1.04 + (0.14 * step) / (arrows.length + 1)), end = star && {...star, y: level(arrows.length + 1)};
  const steps = arrows.map((arrow, step) => ({...arrow, y0: level(step + 1), y1: level(step + 1)}));
  const down = end ? [{x0: end.x, y0: end.y, x1: end.x, y1: 0}] : [];
  return {hits: hits.map((hit) => ({...hit, height: y[place.get(hit.row)] ?? 0})), arrows: [...steps, ...down], star: end};
}

function around(points) {
  if (!points.length) return null;
  const span = (values) => {
    const low = Math.min(...values), high = Math.max(...values), margin = Math.max(0.4, (high - low) * 0.25);
    return [low - margin, high + margin];
  };
  return [...span(points.map((point) => point.x)), ...span(points.map((point) => point.y))];
}

/* Piles say how all passages are spread: all stay in view, and what lies beside them comes into it. */
function aroundAll([left, right]) {
  const [low, high] = Plane.roomy(view.drawn.range.x);
  return [Math.min(low, left), Math.max(high, right), ...Plane.roomy(view.drawn.range.y)];
}

const short = (text) => (text.length > 32 ? `${text.slice(0, 31)}…` : text);

/* Means of groups with their intervals; over piles one above the other. */
export function cross(groups) {
  if (!view.plane || (!groups.length && !means.length)) return;
  means = groups;
  const {x, y} = now(), {piled, top, range} = view.drawn, on = ({mean, low, high}) => ({at: mean, low, high});
  view.plane.means(means.map((one, place) => ({text: short(one.name), code: one.code, x: on(one.on[x]), y: piled ? {at: top * (OVER + LEVEL * (means.length - place - 0.8))} : on(one.on[y])})));
  if (!piled) return;
  range.y = [0, reach() * top];
  if (!addressed()) settle([view.plane.range.x0, view.plane.range.x1, ...Plane.roomy(range.y)]);
}

const reach = () => OVER + LEVEL * means.length;

/* -- selection ---------------------------------------------------------------------------------------- */

export const pick = (places) => saying("view-error", () => ofDrawn(async () => {
  const {epoch, rows} = view.drawn, selection = places.length ? {epoch, rows: places.map((place) => rows[place])} : null;
  view.selection = selection;
  $("chosen-words").textContent = "";
  $("chosen").setAttribute("aria-busy", String(selection !== null));
  chosen();
  if (selection === null) return;
  const first = selection.rows.slice(0, 50);
  await fetchTexts(first);
  if (view.selection !== selection) return; // another was made meanwhile
  $("chosen-list").replaceChildren(...first.map((row) => h("li", {dir: "auto"}, told(row).split("\n")[0] || "…")));
  const {words} = await ask("words", selection, {kind: "words"});
  if (view.selection !== selection) return;
  if (words.length) $("chosen-words").textContent = `Characteristic words: ${words.join(", ")}`;
  $("chosen").setAttribute("aria-busy", "false");
}));

const selected = ({epoch, place}) => (view.selection?.epoch === epoch ? view.selection.rows.map((row) => place.get(row)).filter((one) => one !== undefined) : []);

function chosen() {
  const {selection} = view;
  $("chosen").hidden = !selection;
  $("chosen-count").textContent = "";
  if (!selection) return $("chosen-list").replaceChildren();
  const all = selection.rows.length, here = selected(view.drawn).length;
  $("chosen-count").textContent = `${count(all)} selected${here < all ? `, ${count(here)} of them drawn` : ""}`;
}

/* -- legend ------------------------------------------------------------------------------------------- */

function legend(points) {
  if (!points.codes) return $("legend").replaceChildren();
  const pressed = codeAlone(points);
  const button = (label, code, name) => h("button", {type: "button", "aria-pressed": String(code === pressed), click: (event) => isolate(event.currentTarget, name)},
    h("i", {style: `background: var(--plane-${code < 0 ? "faint" : `color-${code}`})`}), h("span", {dir: "auto", title: label}, label));
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
