/* Elements of the page. Texts of documents, axes and files reach it as text alone: nothing here parses markup. */
export const $ = (id) => document.getElementById(id);

/* An element with attributes (functions become listeners) and children, which are elements or texts. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* A text with some of its parts marked; places are counted in characters, as Python counts them. */
export function marked(text, spans) {
  const characters = Array.from(text), parts = [];
  let from = 0;
  for (const [start, end] of spans) {
    parts.push(characters.slice(from, start).join(""), h("mark", {}, characters.slice(start, end).join("")));
    from = end;
  }
  return [...parts, characters.slice(from).join("")];
}

export const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−"));
export const count = (value) => value.toLocaleString("en");
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
export const lines = (id) => $(id).value.split("\n").map((line) => line.trim()).filter(Boolean);

const latest = new Map(); // what was asked last, by the place where its error would stand

/* Runs what a form asks for; an error of the server stands beside the form until what is asked after it goes well, and what was typed stays. */
export async function saying(id, work) {
  const place = $(id);
  latest.set(id, work);
  try {
    await work();
    if (latest.get(id) === work) place.textContent = "";
  } catch (error) {
    if (error.name === "AbortError") return;
    place.textContent = error.message;
  }
}

export function later(work, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}
