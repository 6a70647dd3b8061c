/* Move: a cursor on the two axes, and what lies there; or what a phrase would be if it lay there. */
import {ask} from "./client.js";
import {PILES, axes, now, set} from "./address.js";
import {$, later, number, saying} from "./dom.js";
import {list} from "./hits.js";
import {mark} from "./view.js";

const SLIDERS = ["x", "y"];

export function begin() {
  for (const which of SLIDERS) $(`cursor-${which}`).addEventListener("input", () => { label(which); soon(); });
  $("cursor-like").addEventListener("input", () => soon());
  $("cursor-form").addEventListener("submit", (event) => { event.preventDefault(); answer(); });
}

function label(which) {
  const value = Number($(`cursor-${which}`).value);
  $(`cursor-${which}-value`).textContent = `${number(value, 1)} standard deviations`;
  $(`cursor-${which}`).setAttribute("aria-valuetext", `${number(value, 1)} standard deviations`);
}

export function fill() {
  for (const which of SLIDERS) {
    $(`cursor-${which}`).value = now()[`at${which}`] ?? 0;
    label(which);
  }
  $("cursor-like").value = now().held ?? "";
}

/* On one axis there is one slider. */
function name() {
  const {x, y} = now(), second = $("cursor-y");
  $("cursor-x-name").textContent = x;
  $("cursor-y-name").textContent = y;
  for (const part of [second, ...second.labels]) part.hidden = y === PILES;
}

export const answer = () => saying("cursor-error", async () => {
  if (!axes().length) return;
  name();
  const {x, y} = now(), [atx, aty] = SLIDERS.map((which) => $(`cursor-${which}`).value), like = $("cursor-like").value.trim();
  set({atx, aty, held: like});
  const point = Object.fromEntries(axes().map((axis, place) => [axis, Number([atx, aty][place])]));
  const found = await ask("locate", {point, like, k: 12, axes: axes()}, {kind: "answer"});
  $("cursor-note").textContent = found.note ? `Note: ${found.note}.` : "";
  $("cursor-answer").replaceChildren(list(found.hits, {scores: (hit) => (like ? `cosine ${number(hit.score, 3)}` : `distance ${number(hit.distance)}`)}));
  const place = found.reached ?? point, at = {x: place[x], y: place[y]};
  const arrows = found.start ? [{x0: found.start[x], y0: found.start[y], x1: at.x, y1: at.y, label: like}] : [];
  mark({hits: found.hits, arrows, star: {...at, label: like || "here"}});
});

const soon = later(answer, 120);
