/* The map: a plane of passages with a search, a legend, and a list of what is selected. Every text is set as text. */
"use strict";

(() => {
  const LISTED = 200; // rows of the table; exports have all
  const PAUSE = 120; // milliseconds after a key, before the texts are searched
  const byId = (id) => document.getElementById(id);
  const content = JSON.parse(byId("content").textContent);

  const floats = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer); // little-endian, whatever this machine is
    return Float32Array.from({length: bytes.length / 4}, (_, place) => view.getFloat32(4 * place, true));
  };

  const x = floats(content.x), y = floats(content.y);
  const {ids, titles, texts, codes, categories} = content;
  const haystack = texts.map((text, i) => `${titles[i]}\n${text}\n${ids[i]}`.toLowerCase());
  const names = content.axes ? content.axes.map((axis) => axis.name) : ["x", "y"];
  let selected = [], found = null;

  const number = (value) => value.toFixed(2).replace("-", "−");
  const count = (value) => value.toLocaleString("en");
  const passages = `${count(ids.length)} passage${ids.length === 1 ? "" : "s"}`;
  const listed = () => {
    if (!selected.length || found === null) return selected.length ? selected : found ?? [];
    const among = new Set(found);
    return selected.filter((i) => among.has(i));
  };
  const categoryOf = (i) => (codes ? categories[codes[i]].name : "");

  const hover = (i) => {
    const head = titles[i] && titles[i] !== texts[i] ? `${titles[i]}\n` : "";
    const field = codes ? `\n${content.color}: ${categoryOf(i)}` : "";
    const at = content.axes ? `\n${names[0]} ${number(x[i])}, ${names[1]} ${number(y[i])}` : "";
    return `${head}${texts[i]}${field}${at}`;
  };

  const planeOptions = () => {
    const label = `Map of ${passages}. Arrow keys move, plus and minus zoom, 0 shows all.`;
    if (!content.axes) return {label, bare: true, thin: true, xTitle: content.layout, yTitle: ""};
    const [xAxis, yAxis] = content.axes;
    return {label, xTitle: xAxis.title, yTitle: yAxis.title, xEnds: xAxis.ends, yEnds: yAxis.ends};
  };

  const plane = new Plane(byId("plane"), planeOptions());
  const ring = (i) => ({x: x[i], y: y[i], code: codes ? categories[codes[i]].shade : undefined});

  /* -- what is listed ------------------------------------------------------------------------------- */

  const row = (i) => {
    const line = document.createElement("tr"), cell = line.insertCell(), name = document.createElement("button");
    name.type = "button";
    name.textContent = titles[i] || ids[i];
    name.addEventListener("click", () => point(i));
    cell.append(name);
    if (texts[i] !== titles[i]) cell.appendChild(document.createElement("p")).textContent = texts[i];
    if (content.axes) for (const value of [x[i], y[i]]) line.insertCell().textContent = number(value);
    return line;
  };

  /* Rings one passage, and brings it into view. */
  const point = (i) => {
    const {x0, x1, y0, y1} = plane.range;
    if (x[i] < x0 || x[i] > x1 || y[i] < y0 || y[i] > y1) plane.view(null);
    plane.rings([ring(i)]);
  };

  const heading = () => {
    if (selected.length && found !== null) return `${count(listed().length)} found of ${count(selected.length)} selected`;
    if (selected.length) return `${count(selected.length)} selected`;
    return found === null ? "Nothing selected" : `${count(found.length)} found`;
  };

  const show = () => {
    const indices = listed();
    byId("listed").textContent = heading();
    byId("rows").replaceChildren(...indices.slice(0, LISTED).map(row));
    const more = indices.length - LISTED;
    byId("more").textContent = more > 0 ? `… and ${count(more)} more; export them to see all.` : indices.length ? "" : "Draw around points with Lasso or Box, or select what is in view.";
    for (const id of ["csv", "jsonl"]) byId(id).disabled = !indices.length;
    byId("clear").disabled = !selected.length && found === null;
  };

  /* -- search --------------------------------------------------------------------------------------- */

  const search = () => {
    const wanted = byId("search").value.trim().toLowerCase();
    found = wanted ? haystack.flatMap((text, i) => (text.includes(wanted) ? [i] : [])) : null;
    byId("found").textContent = found === null ? "" : `${count(found.length)} of ${passages}`;
    plane.rings((found ?? []).map(ring));
    show();
  };

  let waiting = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, PAUSE);
  });

  /* -- selection ------------------------------------------------------------------------------------ */

  const select = (indices) => {
    selected = indices;
    show();
  };

  plane.onSelect = select;
  plane.onClick = (i) => {
    plane.select([i]);
    select([i]);
  };
  byId("in-view").addEventListener("click", () => {
    const indices = plane.inView();
    plane.select(indices);
    select(indices);
  });
  byId("clear").addEventListener("click", () => {
    byId("search").value = "";
    plane.select([]);
    selected = [];
    search();
  });

  /* -- exports -------------------------------------------------------------------------------------- */

  const record = (i) => ({
    id: ids[i], title: titles[i], text: texts[i], coordinates: {[names[0]]: x[i], [names[1]]: y[i]},
    ...(codes ? {category: categoryOf(i)} : {}),
  });

  /* The same as cells, in order; an axis may be called as a column of ours, or as a number. */
  const columns = ["id", "title", "text", ...names.map((name) => `coordinates.${name}`), ...(codes ? ["category"] : [])];
  const cells = (i) => [ids[i], titles[i], texts[i], x[i], y[i], ...(codes ? [categoryOf(i)] : [])];

  /* A spreadsheet takes a cell that starts so for a formula, and would run it. */
  const field = (value) => {
    const text = typeof value === "number" ? String(value) : String(value).replace(/^[=+\-@\t\r]/, "'$&");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const csv = (indices) => [columns, ...indices.map(cells)].map((line) => line.map(field).join(",") + "\r\n").join("");

  const download = (text, name, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type}));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  byId("csv").addEventListener("click", () => download(csv(listed()), "selection.csv", "text/csv"));
  byId("jsonl").addEventListener("click", () => {
    download(listed().map((i) => JSON.stringify(record(i)) + "\n").join(""), "selection.jsonl", "application/x-ndjson");
  });

  /* -- legend and tools ----------------------------------------------------------------------------- */

  const press = (buttons, pressed) => buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === pressed)));

  const legend = () => {
    byId("legend").hidden = false;
    byId("legend-title").textContent = content.color;
    const buttons = categories.map(({name, count: size, shade}) => {
      const button = document.createElement("button"), dot = document.createElement("span");
      button.type = "button";
      dot.className = "dot";
      dot.style.background = `var(--plane-color-${shade})`;
      button.append(dot, `${name} (${count(size)})`);
      button.addEventListener("click", () => {
        const isAlone = button.getAttribute("aria-pressed") === "true";
        plane.isolate(isAlone ? null : shade);
        press(buttons, isAlone ? null : button);
      });
      return button;
    });
    press(buttons, null);
    byId("categories").append(...buttons.map((button) => {
      const entry = document.createElement("li");
      entry.append(button);
      return entry;
    }));
  };

  const modes = [...document.querySelectorAll("[data-mode]")];
  modes.forEach((button) => button.addEventListener("click", () => {
    plane.mode(button.dataset.mode);
    press(modes, button);
  }));
  byId("nearer").addEventListener("click", () => plane.zoom(1.5));
  byId("farther").addEventListener("click", () => plane.zoom(1 / 1.5));
  byId("whole").addEventListener("click", () => plane.view(null));

  /* -- start ---------------------------------------------------------------------------------------- */

  byId("title").textContent = content.title;
  byId("about").textContent = content.about;
  for (const [place, id] of ["x-name", "y-name"].entries()) {
    if (content.axes) byId(id).textContent = names[place];
    else byId(id).remove(); // a place in a layout says nothing as a number
  }
  if (codes) legend();
  plane.points({x, y, codes: codes ? Int32Array.from(codes, (code) => categories[code].shade) : undefined, hover});
  plane.labels(content.labels);
  show();
  byId("note").hidden = plane.webgl;
  byId("note").textContent = `This browser has no WebGL: ${count(plane.shown)} of ${count(ids.length)} points are drawn, as a plain picture.`;
})();
