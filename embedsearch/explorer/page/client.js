/* Questions to the server. A question of the same kind takes the place of one that is still waiting. */
const waiting = new Map();

/* The state of the index that the page knows; an answer of another one says that the index has changed elsewhere. */
let known = null;
export const learned = (state) => { known = state; };

async function post(name, fields, signal) {
  const options = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(fields), signal};
  let answer;
  try {
    answer = await fetch(`/api/${name}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; start it again with: embedsearch explore");
  }
  const state = answer.headers.get("embedsearch-state");
  if (name !== "index" && known && state && state !== known) document.dispatchEvent(new CustomEvent("changed"));
  if (answer.ok) return answer;
  const {error} = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(error?.message ?? `the server answered ${answer.status}`), {code: error?.code});
}

export async function ask(name, fields = {}, {kind = ""} = {}) {
  if (!kind) return (await post(name, fields)).json();
  waiting.get(kind)?.abort();
  const control = new AbortController();
  waiting.set(kind, control);
  return (await post(name, fields, control.signal)).json();
}

export async function download(format, fields) {
  const answer = await post("export", {format, ...fields});
  keep(await answer.blob(), `passages.${format}`);
}

/* Leaves bytes as a file of the reader's. */
export function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}
