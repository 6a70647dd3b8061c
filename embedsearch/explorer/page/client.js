/* Questions to the server. A question of the same kind takes the place of one that is still waiting. */
const waiting = new Map();

async function post(name, fields, signal) {
  const options = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(fields), signal};
  let answer;
  try {
    answer = await fetch(`/api/${name}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; start it again with: embedsearch explore");
  }
  if (answer.ok) return answer;
  const {error} = await answer.json().catch(() => ({}));
  const more = error?.code === "UnknownAxisError" ? " Load the page again for the axes that there are now." : "";
  throw Object.assign(new Error((error?.message ?? `the server answered ${answer.status}`) + more), {code: error?.code});
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
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `passages.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}
