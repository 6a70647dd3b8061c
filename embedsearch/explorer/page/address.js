/* What the page shows stands in its address, so that it can be linked to, and back and forward work. */
const listeners = [];
let state = read();

function read() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

export const now = () => state;

/* What is up where there is one axis: the passages at about the same place, piled on one another. No axis can be called so. */
export const PILES = "-";

/* The names of the axes across and up; one where passages are piled on it, none where the index has none. */
export const axes = () => [state.x, state.y].filter((name) => name && name !== PILES);

/* Changes the state; `step` makes it one that the back button returns from. */
export function set(changes, {step = false} = {}) {
  const next = {...state, ...changes};
  for (const name of Object.keys(next)) if (next[name] === "" || next[name] === null || next[name] === undefined) delete next[name];
  const address = `#${new URLSearchParams(next)}`;
  if (address === (location.hash || "#")) return;
  state = next;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

export const onMove = (listener) => listeners.push(listener);

addEventListener("popstate", () => {
  state = read();
  for (const listener of listeners) listener(state);
});
