/* Lists of passages that answer. */
import {h, marked, number} from "./dom.js";

export function list(hits, {scores = (hit) => number(hit.score, 3)} = {}) {
  if (!hits.length) return h("p", {class: "note"}, "Nothing found.");
  return h("ol", {class: "hits"}, ...hits.map((hit) => entry(hit, scores)));
}

function entry(hit, scores) {
  const text = hit.snippet ? marked(hit.snippet.text, hit.snippet.marks) : [hit.text.length > 240 ? `${hit.text.slice(0, 239)}…` : hit.text];
  const called = hit.title || hit.text;
  const like = h("button", {type: "button", class: "link", "aria-label": `like this: ${called.length > 60 ? `${called.slice(0, 59)}…` : called}`, click: () => document.dispatchEvent(new CustomEvent("like", {detail: hit.document}))}, "like this");
  const also = hit.near_alone?.length ? h("span", {}, `also near ${hit.near_alone.join(", ")}`) : null;
  return h("li", {"data-id": hit.id},
    hit.title ? h("div", {class: "title", dir: "auto"}, hit.title) : null,
    h("div", {class: "text", dir: "auto"}, ...text),
    h("div", {class: "about"}, h("span", {}, scores(hit)), h("span", {}, hit.id), also, like),
    shares(hit.contributions));
}

/* How much each term of a sum adds, as lengths. */
function shares(contributions) {
  if (!contributions) return null;
  const entries = Object.entries(contributions), all = entries.reduce((sum, [, value]) => sum + Math.abs(value), 0) || 1;
  const words = entries.map(([term, value]) => `${term} ${number(value, 3)}`).join(", ");
  return h("div", {class: "shares", role: "img", "aria-label": `Contributions: ${words}`, title: words},
    ...entries.map(([, value], place) => h("i", {style: `flex: ${Math.abs(value) / all}; background: var(--plane-color-${place % 8})`})));
}
