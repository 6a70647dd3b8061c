/* A plane of points, drawn by plotly.js: the part that the map and the explorer page have in common.

   Load plotly.min.js and plane.css before this classic script; it defines one global, Plane.

     const plane = new Plane(element, {xTitle, yTitle, xEnds: [low, high], yEnds: [low, high], label, bare, thin, webgl});
     plane.points({x: Float32Array, y: Float32Array, codes?: Int32Array, values?: Float32Array, hover: (i) => string,
                   range?: {x: [low, high], y: [low, high]}});   of all there is, where these points are a part of it
     plane.axes({xTitle, yTitle, xEnds, yEnds});         other axes; the view is reset
     plane.rings([{x, y, code?}])                        rings, hidden with the points of their code; [] takes them away
     plane.select(indices)                               what is selected, as if by hand; onSelect is not told
     plane.isolate(code | null)                          only the points with this code
     plane.means([{x: {at, low, high}, y: {at, low, high}, text, code?}])   crosses as long as their intervals, without low and
                                                         high a line, in the colour of their code, hidden as rings are;
                                                         points under crosses fade
     plane.arrows([{x0, y0, x1, y1, label}])             plane.star(x, y, label), plane.star(null)
     plane.labels([{x, y, text, yshift?}])               names, `yshift` pixels above; with `thin`, those that find room beside
                                                         the star's and the arrows', first come first
     plane.mode("pan" | "zoom" | "lasso" | "select")     what dragging does
     plane.zoom(factor), plane.pan(right, up), plane.view({x0, x1, y0, y1} | null)
     plane.inView()                                      the points in view, as indices
     plane.range                                         what is in view, {x0, x1, y0, y1}
     plane.onSelect = (indices) => …   plane.onView = ({x0, x1, y0, y1}) => …
     plane.onHover = (index | null) => …   plane.onClick = (index) => …
     await plane.drawn                                   the promise of the drawing that was asked for last
     plane.shown, plane.webgl                            how many points are drawn, and by what
     Plane.roomy([low, high])                            the range that is in view where points lie from low to high

   `codes` are categories, 0 to 14, in the colours --plane-color-0… (0 to 7 for names, 8 and 9 grey, 10 to 14 for ranges);
   -1 is faint. `values` are numbers, NaN where there is none, in the steps of --plane-step-0…. All indices are places in x and y. Texts are
   never markup. The keys, while the plane has the focus: arrows move, + and - zoom, 0 shows all, Escape takes the
   selection away. */
"use strict";

const Plane = (() => {
  const STEP = 0.2; // of the width or height, that an arrow key moves
  const MOST_IN_SVG = 5000; // points that a browser without WebGL draws, and still answers to the pointer
  const COLORS = 15, STEPS = 5;
  const BELOW = 0.01; // how far below the least of the numbers those lie that are none, as a share of their range
  const TITLE = 13, END = 11; // pixels of letters
  const DENSE = 500; // points
  const STAR = 20;
  const FEW = 13; // pixels across a ring, where rings are few among points that are small because they are many
  const BESIDE = 8; // pixels from a cross to its name

  const hasWebGL = () => {
    try {
      return Boolean(document.createElement("canvas").getContext("webgl"));
    } catch {
      return false;
    }
  };

  /* plotly reads a small markup in texts; these are none. Directions of writing are kept to their text. */
  const plain = (text) =>
    String(text ?? "").replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, " ")
      .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /* An order in which no category lies on all others: drawn by lot, the same each time. */
  const shuffled = (count) => {
    const order = Int32Array.from({length: count}, (_, place) => place);
    let state = 1;
    for (let last = count - 1; last > 0; last--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const other = Math.floor((state / 4294967296) * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  };

  const taken = (values, order) => {
    const result = new Float32Array(order.length);
    for (let place = 0; place < order.length; place++) result[place] = values[order[place]];
    return result;
  };

  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low > high ? [-1, 1] : [low, high];
  };

  const roomy = ([low, high]) => {
    const margin = (high - low) * 0.05 || 1;
    return [low - margin, high + margin];
  };

  /* How wide a text is on the screen. */
  const FONT = "system-ui, sans-serif";
  const pen = document.createElement("canvas").getContext("2d");
  const widthOf = (text, size) => {
    pen.font = `${size}px ${FONT}`;
    return pen.measureText(String(text ?? "")).width;
  };

  /* The words of a title on as many lines as it takes, and an end of an axis cut to its room. */
  const wrapped = (text, size, room) => {
    const lines = [""];
    for (const word of String(text ?? "").split(" ")) {
      const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
      if (widthOf(longer, size) <= room) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines.filter(Boolean).map(plain).join("<br>");
  };
  const cut = (text, size, room) => {
    let shown = text;
    while (shown.length > 3 && widthOf(`${shown}…`, size) > room) shown = shown.slice(0, -1);
    return shown.length === text.length || widthOf(text, size) <= room ? text : `${shown.trimEnd()}…`;
  };

  const sizeFor = (count) => (count < 400 ? 9 : count < 4000 ? 7 : count < 20000 ? 5 : 3);

  class Plane {
    static roomy = roomy;

    constructor(element, options = {}) {
      this.element = element;
      this.options = {xEnds: ["", ""], yEnds: ["", ""], ...options};
      this.webgl = options.webgl ?? hasWebGL();
      this.drawn = Promise.resolve();
      this._given = {x: [], y: [], hover: () => ""};
      this._order = new Int32Array(0);
      this._rings = this._means = this._selected = [];
      this._arrows = this._labels = [];
      this._star = this._isolated = this._range = null;
      this._mode = "pan";
      this.onSelect = this.onView = this.onHover = this.onClick = () => {};
      this._prepare();
    }

    /* -- what is shown ------------------------------------------------------------------------------ */

    /* Other points: none of them is selected, all are shown. What lies on top of them stays. */
    points(given) {
      this._given = given;
      this._selected = [];
      this._isolated = null;
      this._shuffle = shuffled(given.x.length);
      this._reorder();
      this._range = this._whole();
      return this._redraw();
    }

    axes(options) {
      Object.assign(this.options, options);
      this._range = this._whole();
      return this._redraw();
    }

    rings(rings) {
      this._rings = rings;
      return this._redraw();
    }

    means(means) {
      this._means = means;
      return this._redraw();
    }

    select(indices) {
      this._selected = Array.from(indices);
      return this._redraw();
    }

    isolate(code) {
      this._isolated = code;
      this._reorder();
      return this._redraw();
    }

    arrows(arrows) {
      this._arrows = arrows;
      return this._redraw();
    }

    star(x, y, label) {
      this._star = x === null || x === undefined ? null : {x, y, label};
      return this._redraw();
    }

    labels(labels) {
      this._labels = labels;
      return this._redraw();
    }

    /* -- the view ----------------------------------------------------------------------------------- */

    mode(mode) {
      this._mode = mode;
      return this._redraw();
    }

    view(range) {
      this._range = range ? {...range} : this._whole();
      const done = this._redraw();
      this.onView({...this._range});
      return done;
    }

    zoom(factor) {
      const {x0, x1, y0, y1} = this._range;
      const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
      const [width, height] = [(x1 - x0) / factor / 2, (y1 - y0) / factor / 2];
      return this.view({x0: x - width, x1: x + width, y0: y - height, y1: y + height});
    }

    pan(right, up) {
      const {x0, x1, y0, y1} = this._range;
      const [dx, dy] = [(x1 - x0) * right, (y1 - y0) * up];
      return this.view({x0: x0 + dx, x1: x1 + dx, y0: y0 + dy, y1: y1 + dy});
    }

    inView() {
      const {x0, x1, y0, y1} = this._range, {x, y} = this._given;
      return Array.from(this._order).filter((i) => x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1).sort((a, b) => a - b);
    }

    get range() {
      return {...this._range};
    }

    get shown() {
      return this._order.length;
    }

    /* -- inside ------------------------------------------------------------------------------------- */

    _prepare() {
      this.element.classList.add("plane");
      this.element.tabIndex = 0;
      this.element.setAttribute("role", "group");
      this.element.setAttribute("aria-label", this.options.label ?? "Plane of points. Arrow keys move, plus and minus zoom, 0 shows all.");
      this._chart = this.element.appendChild(document.createElement("div"));
      this._chart.style.height = "100%";
      this._chart.setAttribute("aria-hidden", "true");
      this._box = this.element.appendChild(document.createElement("div"));
      this._box.className = "plane-hover";
      this._box.hidden = true;
      this._range = this._whole();
      this.element.addEventListener("keydown", (event) => this._key(event));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._redraw()); // the colours are others
      new ResizeObserver(() => { if (this._attached && this.element.clientWidth) Plotly.Plots.resize(this._chart).then(() => this._redraw()); }).observe(this.element);
    }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
      const acts = {
        ArrowLeft: () => this.pan(-STEP, 0), ArrowRight: () => this.pan(STEP, 0),
        ArrowUp: () => this.pan(0, STEP), ArrowDown: () => this.pan(0, -STEP),
        "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), "0": () => this.view(null),
        Escape: () => this._choose([]),
      };
      if (!acts[event.key]) return;
      acts[event.key]();
      event.preventDefault();
    }

    _whole() {
      const {x, y, range = {x: extent(x), y: extent(y)}} = this._given;
      const [x0, x1] = roomy(range.x), [y0, y1] = roomy(range.y);
      return {x0, x1, y0, y1};
    }

    _reorder() {
      const {codes} = this._given, wanted = this._isolated;
      const order = wanted === null || !codes ? this._shuffle : this._shuffle.filter((i) => codes[i] === wanted);
      this._order = this.webgl ? order : order.slice(0, MOST_IN_SVG);
      this._place = new Map();
      this._xy = [taken(this._given.x, this._order), taken(this._given.y, this._order)];
    }

    _color(name) {
      return getComputedStyle(this.element).getPropertyValue(`--plane-${name}`).trim();
    }

    /* Several changes in one turn are one drawing. */
    _redraw() {
      if (!this._due) {
        this._due = true;
        this.drawn = Promise.resolve().then(() => { this._due = false; return this._draw(); });
      }
      return this.drawn;
    }

    async _draw() {
      const config = {displayModeBar: false, responsive: false, scrollZoom: true, doubleClick: false, showTips: false};
      // plotly tells of the outline of a selection that it takes away, as if a reader had done it.
      this._drawing = true;
      try {
        await Plotly.react(this._chart, this._traces(), this._layout(), config);
      } finally {
        this._drawing = false;
      }
      if (this._attached) return;
      this._attach();
      this._redraw(); // only now is it known how much room the titles leave
    }

    _traces() {
      const type = this.webgl ? "scattergl" : "scatter";
      const chosen = this._selected.length ? this._places(this._selected) : null;
      const base = {
        type, mode: "markers", x: this._xy?.[0] ?? [], y: this._xy?.[1] ?? [], hoverinfo: "none", marker: this._marker(),
        selectedpoints: chosen, selected: {marker: {opacity: 1}}, unselected: {marker: {opacity: 0.15}},
      };
      return [base, this._ringTrace(), this._starTrace(), ...this._meanTraces()];
    }

    /* What lies on points. Few are drawn sooner without a program of their own for the graphics card, but under the points,
       which hide them where they are dense. */
    _type(count) {
      return this.webgl && (count >= 500 || this.shown > DENSE) ? "scattergl" : "scatter";
    }

    _ringTrace() {
      const rings = this._rings.filter(({code}) => this._isolated === null || code === undefined || code === this._isolated);
      const size = Math.max(sizeFor(this.shown) + 5, rings.length < 100 ? FEW : 0);
      const marker = {symbol: "circle-open", size, color: this._color("ink"), line: {width: 2, color: this._color("ink")}};
      return {type: this._type(rings.length), mode: "markers", x: rings.map((ring) => ring.x), y: rings.map((ring) => ring.y), hoverinfo: "skip", marker};
    }

    /* Crosses over wider lines of paper, which part them from points of their own colour. */
    _meanTraces() {
      const shown = this._meansShown(), both = {type: this._type(1), hoverinfo: "skip"};
      const arms = shown.map(({x, y}) => ({x: [x.low ?? null, x.high ?? null, null, y.at], y: [y.at, y.at, null, y.low ?? null, y.high ?? null]}));
      for (const [place, {x}] of shown.entries()) arms[place].x[3] = arms[place].x[4] = x.at;
      const line = ({x, y}, color, width) => ({...both, mode: "lines", x, y, line: {color, width}});
      const under = {x: arms.flatMap(({x}) => [...x, null]), y: arms.flatMap(({y}) => [...y, null])};
      const marker = {symbol: "diamond", size: 11, color: shown.map((mean) => this._colorOf(mean)), line: {width: 1.5, color: this._color("paper")}};
      const middles = {...both, mode: "markers", x: shown.map(({x}) => x.at), y: shown.map(({y}) => y.at), marker};
      return shown.length ? [line(under, this._color("paper"), 6), ...arms.map((arm, place) => line(arm, this._colorOf(shown[place]), 3)), middles] : [];
    }

    _meansShown() {
      return this._means.filter(({code}) => this._isolated === null || (code ?? -1) === this._isolated);
    }

    _colorOf({code}) {
      return this._color(code === undefined ? "ink" : `color-${code}`);
    }

    _starTrace() {
      const at = this._star ? [this._star] : [];
      const marker = {symbol: "star", size: STAR, color: this._color("accent"), line: {width: 1, color: this._color("ink")}};
      return {type: this._type(1), mode: "markers", x: at.map((star) => star.x), y: at.map((star) => star.y), hoverinfo: "skip", marker};
    }

    _places(indices) {
      if (this._place.size !== this._order.length) this._order.forEach((i, place) => this._place.set(i, place));
      return indices.map((i) => this._place.get(i)).filter((place) => place !== undefined);
    }

    _marker() {
      const {codes, values} = this._given;
      const isCrossed = this._means.some(({y}) => y.low !== undefined); // crosses of their colours would be lost among them
      const look = {size: sizeFor(this.shown), opacity: isCrossed ? 0.25 : this.shown > 20000 ? 0.6 : 0.85, line: {width: this.shown > 4000 ? 0 : 0.5, color: this._color("rim")}};
      if (codes) return {...look, color: Array.from(this._order, (i) => codes[i]), cmin: -1.5, cmax: COLORS - 0.5, colorscale: this._palette(), showscale: false};
      if (values) return {...look, ...this._scale(values)};
      return {...look, color: this._color("point")};
    }

    /* Colours with hard edges: one for each code, that of -1 first. */
    _palette() {
      const colors = [this._color("faint"), ...Array.from({length: COLORS}, (_, code) => this._color(`color-${code}`))];
      return colors.flatMap((color, place) => [[place / colors.length, color], [(place + 1) / colors.length, color]]);
    }

    /* Numbers in steps, with their scale beside them; what is none is as faint as what is in no category. */
    _scale(values) {
      const [low, high] = extent(values), none = low - BELOW * (high - low || 1), faint = this._color("faint");
      if (values.every(Number.isNaN)) return {color: faint};
      const steps = Array.from({length: STEPS}, (_, step) => [step / (STEPS - 1), this._color(`step-${step}`)]);
      const bar = {showscale: true, colorbar: {thickness: 10, outlinewidth: 0, tickfont: {color: this._color("quiet")}}};
      if (!values.some(Number.isNaN)) return {...bar, color: taken(values, this._order), cmin: low, cmax: high, colorscale: steps};
      const start = BELOW / (1 + BELOW), scaled = steps.map(([at, color]) => [start + at * (1 - start), color]);
      const color = taken(values, this._order).map((value) => (Number.isNaN(value) ? none : value));
      return {...bar, color, cmin: none, cmax: high, colorscale: [[0, faint], [start * 0.99, faint], ...scaled]};
    }

    _layout() {
      const {x0, x1, y0, y1} = this._range, {bare} = this.options;
      const ink = this._color("ink"), quiet = this._color("quiet");
      const axis = {
        gridcolor: this._color("grid"), zeroline: !bare, zerolinecolor: this._color("faint"), color: quiet, fixedrange: false,
        showgrid: !bare, showticklabels: !bare, ticks: "", automargin: true, nticks: 8,
      };
      const title = (text, room) => ({text: wrapped(text, TITLE, room), font: {color: ink, size: TITLE}, standoff: bare ? 4 : 18});
      const {width, height} = this._room();
      return {
        xaxis: {...axis, title: title(this.options.xTitle, width), range: [x0, x1]},
        yaxis: {...axis, title: title(this.options.yTitle, height), range: [y0, y1]},
        dragmode: this._mode, hovermode: "closest", hoverdistance: 12, showlegend: false,
        margin: {l: 48, r: 12, t: 12, b: 56}, font: {family: FONT, size: 12, color: ink},
        paper_bgcolor: this._color("paper"), plot_bgcolor: this._color("paper"),
        newselection: {line: {color: this._color("accent"), width: 1.5, dash: "dot"}},
        activeselection: {fillcolor: "rgba(0,0,0,0)"}, selections: [], annotations: this._annotations(ink, quiet),
      };
    }

    _annotations(ink, quiet) {
      const [xLow, xHigh] = this.options.xEnds, [yLow, yHigh] = this.options.yEnds;
      const {width, height} = this._room();
      const left = (text) => cut(`← ${text}`, END, width / 2 - 4), right = (text) => `${cut(text, END, width / 2 - 20)} →`;
      const down = (text) => cut(`← ${text}`, END, height / 2 - 4), up = (text) => `${cut(text, END, height / 2 - 20)} →`;
      const end = (text, more) => ({text: plain(text), xref: "paper", yref: "paper", showarrow: false, font: {size: END, color: quiet}, ...more});
      const ends = [
        xLow && end(left(xLow), {x: 0, y: 0, xanchor: "left", yanchor: "top", yshift: -16}),
        xHigh && end(right(xHigh), {x: 1, y: 0, xanchor: "right", yanchor: "top", yshift: -16}),
        yLow && end(down(yLow), {x: 0, y: 0, xanchor: "right", yanchor: "bottom", xshift: -25, textangle: -90}),
        yHigh && end(up(yHigh), {x: 0, y: 1, xanchor: "right", yanchor: "top", xshift: -25, textangle: -90}),
      ];
      const named = ({x, y, text, xshift = 0, yshift = 0}) => ({x, y, text: plain(text), xshift, yshift, showarrow: false, font: {size: TITLE, color: ink}, bgcolor: this._color("halo"), borderpad: 1});
      return [...ends.filter(Boolean), ...this._labelled().map(named), ...this._arrows.flatMap((arrow) => this._line(arrow)), ...this._captions().map(named)];
    }

    /* What is written beside the arrows and the star. */
    _captions() {
      const terms = this._arrows.filter(({label}) => label).map(({x0, y0, x1, y1, label}) => ({x: (x0 + x1) / 2, y: (y0 + y1) / 2, text: label, yshift: 10}));
      return this._star ? [...terms, {...this._star, text: this._star.label, yshift: 22}] : terms;
    }

    /* The drawing area in pixels; before the first drawing, about. */
    _room() {
      const size = this._chart._fullLayout?._size;
      return {width: size?.w ?? this.element.clientWidth - 60, height: size?.h ?? this.element.clientHeight - 70};
    }

    /* The labels in view that cover none before them, nor crosses, nor the star and what is written beside it and arrows, moved
       in from the sides. Zooming in shows more. */
    _labelled() {
      if (!this.options.thin) return this._labels;
      const {width, height} = this._room(), {x0, x1, y0, y1} = this._range;
      const tall = 0.75 * TITLE; // half of it
      const placed = ({x, y, text, beside = 0, yshift = 0}) => {
        const half = widthOf(text, TITLE) / 2;
        return {x: ((x - x0) / (x1 - x0)) * width + (beside && beside + half), y: ((y - y0) / (y1 - y0)) * height + yshift, half, tall};
      };
      const means = this._meansShown(), shown = [];
      const crosses = means.map(({x, y}) => ({...placed({x: x.at, y: y.at, text: ""}), half: (((x.high ?? x.at) - x.at) / (x1 - x0)) * width, tall: 3}));
      const star = this._star ? [{...placed({...this._star, text: ""}), half: STAR / 2, tall: STAR / 2}] : [];
      const taken = [...this._captions().map(placed), ...star, ...crosses];
      const named = means.map(({x, y, text}) => ({x: x.high ?? x.at, y: y.at, text, beside: BESIDE}));
      for (const label of [...named, ...this._labels]) {
        const {x, y, half} = placed(label);
        if (x < 0 || x > width || y < 0 || y > height) continue;
        const middle = Math.max(half, Math.min(x, width - half));
        if (taken.some((other) => Math.abs(middle - other.x) < half + other.half && Math.abs(y - other.y) < tall + other.tall)) continue;
        taken.push({x: middle, y, half, tall});
        shown.push({...label, xshift: middle - x + (label.beside ? label.beside + half : 0)});
      }
      return shown;
    }

    /* The part of an arrow that is in view, if any: plotly would draw it over the margins. */
    _line({x0, y0, x1, y1}) {
      let from = 0, to = 1; // shares of its length, as Liang and Barsky cut a line (ACM Transactions on Graphics, 1984)
      for (const [start, end, low, high] of [[x0, x1, this._range.x0, this._range.x1], [y0, y1, this._range.y0, this._range.y1]]) {
        if (start === end && (start < low || start > high)) return [];
        const cuts = start === end ? [0, 1] : [(low - start) / (end - start), (high - start) / (end - start)];
        [from, to] = [Math.max(from, Math.min(...cuts)), Math.min(to, Math.max(...cuts))];
      }
      if (from >= to) return [];
      const at = (share) => [x0 + share * (x1 - x0), y0 + share * (y1 - y0)], [ax, ay] = at(from), [x, y] = at(to);
      return [{x, y, ax, ay, axref: "x", ayref: "y", showarrow: true, arrowhead: to < 1 ? 0 : 2, arrowwidth: 2, arrowcolor: this._color("accent"), text: ""}];
    }

    _attach() {
      this._attached = true;
      this._chart.on("plotly_hover", (event) => this._hovered(event));
      this._chart.on("plotly_unhover", () => this._left());
      this._chart.on("plotly_click", (event) => { const i = this._index(event.points[0]); if (i !== null) this.onClick(i); });
      this._chart.on("plotly_selected", (event) => { if (event && !this._drawing) this._choose(event.points.map((point) => this._index(point)).filter((i) => i !== null)); });
      this._chart.on("plotly_deselect", () => { if (!this._drawing) this._choose([]); });
      this._chart.on("plotly_doubleclick", () => { this._mode === "pan" || this._mode === "zoom" ? this.view(null) : this._choose([]); });
      this._chart.on("plotly_relayout", (change) => this._moved(change));
    }

    _index(point) {
      return point && point.curveNumber === 0 ? this._order[point.pointNumber] : null;
    }

    _choose(indices) {
      this._selected = indices.sort((a, b) => a - b);
      this._redraw();
      this.onSelect(this._selected);
    }

    _moved(change) {
      if (!Object.keys(change).some((name) => /^[xy]axis\./.test(name))) return;
      const {xaxis, yaxis} = this._chart._fullLayout;
      this._range = {x0: xaxis.range[0], x1: xaxis.range[1], y0: yaxis.range[0], y1: yaxis.range[1]};
      this.onView({...this._range});
      if ((this.options.thin && this._labels.length + this._means.length) || this._arrows.length) this._relabel();
    }

    /* After a move by hand: once it rests, for plotly then lays everything out again. */
    _relabel() {
      clearTimeout(this._waiting);
      this._waiting = setTimeout(() => this._redraw(), 150);
    }

    _hovered(event) {
      const i = this._index(event.points[0]);
      if (i === null) return;
      this._box.textContent = this._given.hover?.(i) ?? "";
      this._box.hidden = !this._box.textContent;
      this._beside(event.event);
      this.onHover(i);
    }

    _beside(pointer) {
      const frame = this.element.getBoundingClientRect(), {offsetWidth: width, offsetHeight: height} = this._box;
      const [x, y] = [pointer.clientX - frame.left, pointer.clientY - frame.top];
      this._box.style.left = `${Math.max(4, x + 14 + width > frame.width ? x - 14 - width : x + 14)}px`;
      this._box.style.top = `${Math.max(4, y + 14 + height > frame.height ? y - 14 - height : y + 14)}px`;
    }

    _left() {
      this._box.hidden = true;
      this.onHover(null);
    }
  }

  return Plane;
})();
