/* Move: a cursor on the two axes, and what lies there; or what a phrase would be if it lay there. */
import {ask} from "./client.js";
import {now, set} from "./address.js";
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

export async function restore() {
  for (const which of SLIDERS) {
    $(`cursor-${which}-name`).textContent = now()[which];
    $(`cursor-${which}`).value = now()[`at${which}`] ?? 0;
    label(which);
  }
  $("cursor-like").value = now().held ?? "";
  await answer();
}

const answer = () => saying("cursor-error", async () => {
  const [x, y] = SLIDERS.map((which) => $(`cursor-${which}`).value), like = $("cursor-like").value.trim();
  set({atx: x, aty: y, held: like});
  const axes = [now().x, now().y];
  const point = {[axes[0]]: Number(x), [axes[1]]: Number(y)};
  const found = await ask("locate", {point, like, k: 12, axes}, {kind: "answer"});
  $("cursor-note").textContent = found.note ? `Mind that ${found.note}.` : "";
  $("cursor-answer").replaceChildren(list(found.hits, {scores: (hit) => (like ? `cosine ${number(hit.score, 3)}` : `distance ${number(hit.distance)}`)}));
  const at = found.reached ? {x: found.reached[axes[0]], y: found.reached[axes[1]]} : {x: Number(x), y: Number(y)};
  const arrows = found.start ? [{x0: found.start[axes[0]], y0: found.start[axes[1]], x1: at.x, y1: at.y, label: like}] : [];
  mark({hits: found.hits, arrows, star: {...at, label: like || "here"}});
});

const soon = later(answer, 120);
