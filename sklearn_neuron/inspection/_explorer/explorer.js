// The explorer: draws a network, its rows and its training from the dict that explore() makes, by the
// numbers of explorer_numbers.js. All text goes into the page as text, never as HTML.

// ---- text ---------------------------------------------------------------------------------------

const SUP = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const sup = n => String(n).replace("-", "⁻").replace(/\d/g, d => SUP[d]);
const minus = text => text.replace("-", "−");

function fmt(v) {  // four digits
  if (v === null || v === undefined || Number.isNaN(v)) return "?";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  if (v === 0) return "0";
  const size = abs(v);
  if (size >= 1e5 || size < 1e-4) {
    const [m, e] = v.toExponential(2).split("e");
    return `${m === "1.00" ? "" : `${minus(m)}·`}10${sup(Number(e))}`;
  }
  return minus(String(Number(v.toPrecision(4))));
}
const tick = v => fmt(Number(v.toPrecision(abs(v) < 0.01 ? 1 : 4)));
function label(v) {  // at most four characters; the caller has scaled it
  const size = abs(v), s = v < 0 ? "−" : "";
  if (size < 0.005) return "0";
  if (size < 0.995) return s + size.toFixed(2).slice(1);
  if (size < 9.95) return s + size.toFixed(1);
  return s + size.toFixed(0);
}
function exponent(values) {  // of a layer, so that its labels fit
  const top = values.reduce((m, v) => max(m, abs(v)), 0);
  return top === 0 || !Number.isFinite(top) || (top >= 0.1 && top < 999) ? 0 : Math.floor(Math.log10(top));
}
const inBrackets = v => v < 0 ? `(${fmt(v)})` : fmt(v);
// a formula of the package with numbers, or with letters, in place of the names in braces
const fill = (formula, values) => formula.replace(/\{([^}]+)\}/g, (all, name) =>
  values[name] === undefined ? name : typeof values[name] === "string" ? values[name] : inBrackets(values[name]));
function clip(text, n) {  // in the middle: names often begin alike and end in a number
  const all = [...text], end = Math.floor((n - 1) / 3);
  return all.length > n ? `${all.slice(0, n - 1 - end).join("")}…${all.slice(all.length - end).join("")}` : text;
}
function clipAll(texts, n) {  // the same; where two would look alike, they get their numbers
  const short = texts.map(text => clip(text, n));
  return short.map((text, k) => short.indexOf(text) === short.lastIndexOf(text) ? text : `${[...text].slice(0, max(1, n - 2 - String(k).length)).join("")}…#${k}`);
}

// ---- the page's elements: all text goes in as text ----------------------------------------------

function h(tag, attributes = {}, ...children) {
  const svg = attributes.ns === 1 || /^(svg|g|path|circle|line|text|rect|title)$/.test(tag);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return e;
}
const note = (...children) => h("p", {class: "note"}, ...children);
const ANCHORS = [[0, 34, 78], [0, 48, 111], [53, 69, 108], [87, 92, 109], [117, 117, 117],
  [148, 142, 119], [184, 170, 102], [221, 199, 78], [254, 232, 56]];
function cividis(t) {
  const x = max(0, min(1, t)) * 8, k = min(7, Math.floor(x));
  return ANCHORS[k].map((c, i) => Math.round(c + (ANCHORS[k + 1][i] - c) * (x - k)));
}
const SHAPES = ["M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0", "M-5,-5h10v10h-10z", "M0,-6L6,5H-6z", "M0,-7L6,0L0,7L-6,0z",
  "M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z", "M0,6L6,-5H-6z"];

export async function mount(element, data) {
  const net = makeNetwork(data), {sizes, L} = net, names = data.classes;
  const [thetas, X, Y, weights, fixed, start] = await Promise.all([data.snapshots.theta, data.rows.X, data.rows.Y,
    data.rows.weight, data.numbers, data.live && data.live.start].map(unpack));
  const part = (all, k, n) => all.subarray(k * n, (k + 1) * n);
  const m = data.rows.index.length, K = sizes[L], unitOf = data.snapshots.unit;
  const rows = {X: [], Y: [], weight: []};
  for (let k = 0; k < m; k++) {
    rows.X.push(part(X, k, sizes[0])); rows.Y.push(part(Y, k, K)); rows.weight.push(weights ? weights[k] : 1);
  }
  const states = {};
  for (const [letter, packedState] of Object.entries(data.snapshots.state || {})) {
    states[letter] = Array.isArray(packedState) ? packedState : await unpack(packedState);
  }
  const [curveAt, curveLoss, curveHeld, heldAt] = await Promise.all([data.curve.at, data.curve.loss, data.curve.held_out, data.curve.held_out_at].map(unpack));
  const recorded = data.snapshots.at.map((at, k) => {
    const state = k === 0 && at === 0 ? {} : null, known = Object.entries(states);
    return {at, fitted: k === data.snapshots.at.length - 1 ? data.snapshots.fitted : null, theta: part(thetas, k, net.n), eta: data.snapshots.eta[k], k,
      state: known.length ? Object.fromEntries(known.map(([letter, all]) =>
        [letter, Array.isArray(all) ? all[k] : part(all, k, net.n)])) : state};
  });
  let shots = recorded;
  if (data.live) data.live.theta = start;
  const trainer = data.live && makeTrainer(data, net, rows);
  const me = {k: shots.length - 1, row: 0, l: L, j: 0, i: 0, stage: 0, playing: false, logScale: false, table: false,
    training: false, first: 0};

  // ---- numbers of a row at a moment: computed here, or for parts of users' own by Python ---------

  const width = fixed && fixed.length / (recorded.length * m);
  function traceOf(k, row) {
    if (!fixed) return net.trace(shots[k].theta, rows.X[row], rows.Y[row]);
    const t = {z: [null], a: [rows.X[row]], slope: [null], delta: [], y: rows.Y[row], parts: null};
    let at = (k * m + row) * width;
    const take = n => { at += n; return fixed.subarray(at - n, at); };
    for (let l = 1; l <= L; l++) {
      t.z[l] = take(sizes[l]); t.a[l] = take(sizes[l]);
      t.slope[l] = l < L ? take(sizes[l]) : null; t.delta[l] = take(sizes[l]);
    }
    t.loss = fixed[at];
    return t;
  }
  let lossesOf = {shot: null};
  function losses() {  // and answers of all rows at this moment
    if (lossesOf.shot === shots[me.k]) return lossesOf;
    const loss = [], answer = [], wrong = [];
    for (let row = 0; row < m; row++) {
      const t = fixed ? traceOf(me.k, row) : net.score(shots[me.k].theta, rows.X[row], rows.Y[row]);
      loss.push(t.loss); answer.push(t.a[L]);
      wrong.push(data.kind !== "numbers" && !right(t, rows.Y[row]));
    }
    return lossesOf = {shot: shots[me.k], loss, answer, wrong};
  }
  const top = values => values.reduce((best, v, k) => v > values[best] ? k : best, 0);
  const right = (t, y) => data.kind === "classes" ? top(t.z[L]) === top(y)
    : y.every((each, k) => (t.z[L][k] > 0 || (t.z[L][k] === 0 && data.loss.link.name === "step")) === each > 0.5);
  function saidShort(values) {  // the same in few characters
    const k = data.kind === "classes" ? top(values) : data.kind === "binary" ? (values[0] > 0.5 ? 1 : 0) : -1;
    return k < 0 || !names[k] ? clip(said(values), 14) : shortName(k, 14);
  }
  function said(values) {  // an answer, or a target, in words
    if (data.kind === "classes") return names[top(values)];
    if (data.kind === "binary") return names[values[0] > 0.5 ? 1 : 0] ?? "?";
    if (data.kind === "multilabel") return names.filter((_, k) => values[k] > 0.5).join(", ") || "none";
    return [...values].map((v, k) => fmt(data.range ? data.range[0][k] + (data.range[1][k] - data.range[0][k]) * v : v)).join(", ");
  }
  let gradientOf = {};
  function batchGradient() {  // over the batch of the update that follows, or over what is here
    if (gradientOf.shot === shots[me.k] && gradientOf.row === me.row) return gradientOf;
    const shot = shots[me.k], grad = new Float64Array(net.n), steps = shot.batch ? null : data.batch.steps;
    let some = shot.batch || (steps && steps[shot.k]), exact = Boolean(some) || data.batch.exact;
    let words = some ? `the batch of the next update: ${rowNames(some)}` : m === 1 ? "the one row" : `all ${m} rows`;
    if (!some) {
      some = rows.X.map((_, k) => k);
      if (!exact) words = `the ${m === 1 ? "one row" : `${m} rows`} on this page (training took its batches from ${data.rows.of})`;
      if (!exact && data.batch.size === 1) { some = [me.row]; words = `${rowName(me.row)} alone, which is selected, as the batch size is 1 (which one training took was not recorded)`; }
    }
    for (const row of some) net.addGradient(shot.theta, grad, traceOf(me.k, row), rows.weight[row] / some.length);
    net.decay(shot.theta, grad, data.alpha);
    return gradientOf = {shot, row: me.row, grad, words, exact, some};
  }

  // ---- names --------------------------------------------------------------------------------------

  const feature = i => data.features ? data.features[i] : `x[${i}]`;
  const shortNames = {};
  const shortName = (k, n) => (shortNames[n] ||= clipAll(names, n))[k];
  const unitName = (l, j) => l === 0 ? feature(j) : l === L && names && K > 1 ? `output ${names[j]}`
    : l === L && K === 1 ? "the output" : `unit ${j} of layer ${l}`;
  const unit = unitOf === "step" ? "step" : "epoch";
  function when(shot) {  // counted from 0, as in history_ and by at()
    if (shot.fitted) return shot.fitted;
    if (shot.at === 0) return "the start";
    const whole = Math.floor(shot.at), part = Math.round((shot.at - whole) * m);
    return part ? `after ${part} of the ${m} rows of epoch ${whole}` : `after ${unit} ${whole - 1}`;
  }
  const letter = (what, l, j) => `${what}${sup(l)}${sizes[l] > 1 ? `[${j}]` : ""}`;
  const rowNames = some => {  // of a batch, and whether the selected row is among them
    const shown = some.slice(0, 6).map(row => data.rows.index[row]).join(", ");
    const apart = some.includes(me.row) ? "" : ` (not the selected ${rowName(me.row)})`;
    return `row${some.length > 1 ? "s" : ""} ${shown}${some.length > 6 ? ` and ${some.length - 6} more` : ""}${apart}`;
  };
  const rowName = row => `row ${data.rows.index[row]}`;

  // ---- the frame ----------------------------------------------------------------------------------

  const button = (text, label, onclick, extra = {}) => h("button", {type: "button", "aria-label": label, title: label, onclick, ...extra}, text);
  const panel = (title, ...children) => h("section", {class: "panel", "aria-label": title}, h("h2", {}, title), ...children);
  const live = h("p", {class: "spoken", "aria-live": "polite"});
  const playButton = button("▶ Play", "Play the training (Space)", () => play(!me.playing), {class: "main"});
  const slider = h("input", {type: "range", min: 0, max: shots.length - 1, step: 1, "aria-label": "Moment of training",
    oninput: () => go(Number(slider.value))});
  const whenText = h("output", {class: "when"});
  const themeButton = button("◐", "Light or dark", () => setTheme(element.dataset.theme === "dark" ? "light" : "dark"));
  const tableButton = button("Table", "Show the numbers as a table", () => { me.table = !me.table; draw(); }, {"aria-pressed": "false"});
  const diagram = h("div", {class: "scroll"}), picture = h("div"), card = h("div"), curve = h("div"), matrix = h("div");
  const stagePanel = h("div", {class: "stage"}), stageList = h("div", {class: "stages", role: "group", "aria-label": "Steps"});
  const body = h("tbody"), pager = h("div", {class: "buttons"});
  const sortButton = (key, text) => h("th", {scope: "col"}, button(text, `Sort by ${text}`, () => {
    me.sort = me.sort === key ? `-${key}` : key; me.first = 0; drawRows(true); }, {class: "plain"}));
  const rowTable = h("table", {}, h("thead", {}, h("tr", {}, sortButton("row", "row"), sortButton("y", "target"),
    sortButton("answer", "answer"), sortButton("loss", "loss"))), body);
  const legend = note(h("span", {class: "key forward"}, "→ a, forward"), " ",
    h("span", {class: "key back"}, "⇠ δ, backward"), " thick: large · dashed purple: negative weight");
  const hover = note(), diagramPanel = panel("The network on this row", diagram, legend, hover);
  const picturePanel = panel("Picture", picture), matrixPanel = panel("Answers", matrix);
  const logButton = button("log", "Logarithmic loss axis", () => { me.logScale = !me.logScale; drawn.curve = null; draw(); }, {"aria-pressed": "false"});
  const controls = data.live ? liveControls() : null;
  element.classList.add("explorer");
  element.replaceChildren(
    h("header", {}, h("h1", {dir: "auto"}, data.title), h("div", {class: "buttons"}, tableButton, themeButton)),
    note(introduction()),
    ...data.notes.map(text => note(text)),
    h("div", {class: "bar"}, playButton, button("◀", "One moment back (left arrow)", () => go(me.k - 1)), slider,
      button("▶", "One moment on (right arrow)", () => go(me.k + 1)), whenText),
    ...(controls ? [controls] : []),
    h("div", {class: "grid"},
      h("div", {class: "wide"}, diagramPanel, panel("Loss curve", logButton, curve)), h("div", {class: "column"}, picturePanel, panel("The selected unit", card)),
      h("section", {class: "panel wide steps", "aria-label": "Step by step"}, h("h2", {}, "Step by step: what happens to this row"), stageList, stagePanel),
      h("div", {class: "wide"}, panel("Rows", h("div", {class: "scroll"}, rowTable), pager)), matrixPanel),
    live);

  function introduction() {
    const n = recorded.length - (recorded.length > 1 && data.snapshots.fitted ? 1 : 0), total = data.snapshots.recorded;
    const moments = recorded.length === 1 && data.snapshots.at[0] === 0 ? "The estimator is not fitted: it shows the start, with the parameters that fit begins with."
      : recorded.length === 1 ? "It shows the fitted parameters; fit with record=\"epoch\" to move through training."
      : `Move through ${n} of ${total} recorded moment${total === 1 ? "" : "s"} with the slider${data.snapshots.fitted ? `, which ends with ${data.snapshots.fitted}` : ""}, choose a row, click a unit, and go step by step.`;
    return `${m} of ${data.rows.of} row${data.rows.of === 1 ? "" : "s"}. ${moments} Keys: Space plays, ← → move, Home and End jump, n and p step, ↑ ↓ change the row.`;
  }

  // ---- the diagram --------------------------------------------------------------------------------

  const SHOWN = 8;
  function shownUnits(t) {  // of each layer those that matter most, in order; the selected one too
    return sizes.map((n, l) => {
      if (n <= SHOWN + 1) return [...Array(n).keys()];
      const weight = j => {
        let sum = 0;
        if (l < L) for (let k = 0; k < sizes[l + 1]; k++) sum += abs(net.w(shots[me.k].theta, l + 1, j, k));
        return l === L ? abs(t.delta[L][j]) : abs(t.a[l][j]) * sum;
      };
      const relevance = Array.from({length: n}, (_, j) => weight(j));
      if (l === me.l) relevance[me.j] = Infinity;
      if (l === me.l - 1) relevance[me.i] = Infinity;
      if (l === L && data.kind === "classes") relevance[top(t.y)] = relevance[top(t.a[L])] = Infinity;
      return [...relevance.keys()].sort((p, q) => relevance[q] - relevance[p]).slice(0, SHOWN).sort((p, q) => p - q);
    });
  }
  function drawDiagram(t, stage) {
    const shown = shownUnits(t), tall = max(...shown.map((units, l) => units.length + (units.length < sizes[l] ? 0.7 : 0)));
    const gap = 46, H = max(150, tall * gap + 44), side = data.features || sizes[0] <= 9 ? 86 : 46, end = names && K > 1 ? 116 : 62;
    const step = max(70, min(190, ((diagram.clientWidth || 700) - side - end) / L));
    const Wd = side + L * step + end, back = stage.kind === "delta" || stage.kind === "grad" || stage.kind === "update";
    const x = l => side + l * step, y = (l, p) => 14 + (H - 44) * 0.5 + (p - (shown[l].length - 1) / 2 - (shown[l].length < sizes[l] ? 0.35 : 0)) * gap;
    const svg = h("svg", {viewBox: `0 0 ${Wd} ${H}`, width: Wd, height: H, role: "group", "aria-label": "Diagram of the network"});
    const lines = [];
    for (let l = 1; l <= L; l++) shown[l - 1].forEach((i, p) => shown[l].forEach((j, q) => {
      const weight = net.w(shots[me.k].theta, l, i, j);
      lines.push({l, p, q, i, j, weight, v: abs(weight * (back && l > 1 ? t.delta[l][j] : t.a[l - 1][i]))});
    }));
    const topOf = Array(L + 1).fill(1e-300);
    for (const line of lines) topOf[line.l] = max(topOf[line.l], line.v);
    lines.sort((p, q) => q.v / topOf[q.l] - p.v / topOf[p.l]);
    for (const e of lines.slice(0, 40).reverse()) {
      const rel = e.v / topOf[e.l], on = e.l === me.l && e.j === me.j;
      const reverse = back && e.l > 1 && stage.kind === "delta", lit = stage.kind === "forward" ? stage.l === e.l : stage.kind !== "delta" || (reverse && stage.l + 1 === e.l);
      const [x1, y1, x2, y2] = [x(e.l - 1) + 19, y(e.l - 1, e.p), x(e.l) - 19, y(e.l, e.q)];
      svg.append(h("path", {d: reverse ? `M${x2},${y2}Q${(x1 + x2) / 2},${(y1 + y2) / 2 - 14} ${x1},${y1}` : `M${x1},${y1}L${x2},${y2}`, "data-edge": `${e.l}-${e.i}-${e.j}`,
        class: `edge ${reverse ? "back" : "forward"}${e.weight < 0 ? " negative" : ""}${on ? " on" : ""}`,
        "stroke-width": (0.7 + 4 * rel).toFixed(2), opacity: lit ? (0.35 + 0.65 * rel).toFixed(2) : 0.15}));
    }
    shown.forEach((units, l) => {
      const values = l > 0 && back ? units.map(j => t.delta[l][j]) : units.map(j => t.a[l][j]), e = exponent(values);
      units.forEach((j, p) => {
        const v = values[p], name = unitName(l, j), active = (stage.kind === "forward" || stage.kind === "delta" || stage.kind === "grad") && stage.l === l;
        const g = h("g", {class: `unit${l === me.l && j === me.j ? " on" : ""}${active ? " active" : ""}${back && l ? " delta" : ""}`, tabindex: 0, role: "button",
          transform: `translate(${x(l)},${y(l, p)})`, "data-unit": `${l}-${j}`, "aria-pressed": String(l === me.l && j === me.j),
          "aria-label": l ? `${name}: z ${fmt(t.z[l][j])}, a ${fmt(t.a[l][j])}, δ ${fmt(t.delta[l][j])}` : `input ${name}: ${fmt(v)}`},
          h("circle", {r: 18}), h("text", {class: "value", y: 4}, label(v / 10 ** e)));
        if (l === 0 && (data.features || sizes[0] <= 9)) g.append(h("text", {x: -23, y: 4, class: "name", "text-anchor": "end"}, clip(feature(j), 8)));
        if (l === L && names && (K > 1)) g.append(h("text", {x: 24, y: 4, class: `name${t.y[j] > 0.5 ? " true" : ""}`}, shortName(j, 9) + (t.y[j] > 0.5 ? " ✓" : "")));
        svg.append(g);
      });
      if (units.length < sizes[l]) svg.append(h("text", {x: x(l), y: y(l, units.length - 0.2) - 2, class: "more"}, `⋮ ${sizes[l] - units.length} more`));
      const what = l === 0 ? "input x" : `${back ? "δ" : "a"}${sup(l)}` + (l === L && !back ? " answer" : "");
      svg.append(h("text", {x: x(l), y: H - 10, class: "more"}, what + (e ? ` ×10${sup(e)}` : "")));
    });
    const focused = element.contains(document.activeElement) && document.activeElement.dataset.unit;
    diagram.replaceChildren(svg);
    if (focused) { const again = diagram.querySelector(`[data-unit="${focused}"]`); if (again) again.focus({preventScroll: true}); }
  }
  const chosen = event => event.target.closest("[data-unit]")?.dataset.unit.split("-").map(Number);
  diagram.addEventListener("click", event => { const at = chosen(event); if (at) select(...at); });
  diagram.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    const at = chosen(event);
    if (at) { event.preventDefault(); select(...at); }
  });
  diagram.addEventListener("pointerover", event => {  // numbers of what is under the pointer
    const unit = event.target.closest("[data-unit]"), edge = event.target.dataset.edge;
    if (unit) hover.textContent = unit.getAttribute("aria-label");
    if (!edge) return;
    const [l, i, j] = edge.split("-").map(Number), w = net.w(shots[me.k].theta, l, i, j);
    hover.textContent = `weight from ${unitName(l - 1, i)} to ${unitName(l, j)}: ${fmt(w)}`;
  });
  function drawTable(t) {
    const body = h("tbody");
    for (let l = 0; l <= L; l++) for (let j = 0; j < sizes[l]; j++) {
      const cells = l ? [t.z[l][j], t.a[l][j], t.delta[l][j], shots[me.k].theta[net.b[l] + j]].map(fmt) : ["", fmt(t.a[0][j]), "", ""];
      body.append(h("tr", {}, h("th", {scope: "row", dir: "auto"}, unitName(l, j)), ...cells.map(text => h("td", {}, text))));
    }
    diagram.replaceChildren(h("div", {class: "tall", tabindex: 0, role: "region", "aria-label": "Table of all units"}, h("table", {}, h("thead", {}, h("tr", {},
      ...["unit", "z", "a", "δ", "b"].map(text => h("th", {scope: "col"}, text)))), body)));
  }

  // ---- map, curve, image or bars ------------------------------------------------------------------

  const drawn = {};
  function extent(i) {
    const values = rows.X.map(x => x[i]), low = min(...values), high = max(...values), pad = (high - low || 1) * 0.25;
    return [low - pad, high + pad];
  }
  const classOf = row => data.kind === "classes" ? top(rows.Y[row]) : rows.Y[row][0] > 0.5 ? 1 : 0;
  function drawPicture(t) {
    const title = picturePanel.firstChild;
    if (fixed && !data.image) return drawBars(t, title);
    if (sizes[0] === 2 && !fixed) return drawMap(title);
    if (sizes[0] === 1 && !fixed) return drawLine(title);
    if (data.image) return drawImage(t, title);
    return drawBars(t, title);
  }
  function through(l, points) {  // a of layer l at many points, layer by layer
    let a = points;
    for (let k = 1; k <= l; k++) a = a.map(each => {
      const z = net.sums(shots[me.k].theta, k, each);
      return k === L ? linked(net.links[k], z) : z.map(v => SIGMA[net.links[k].name](v, net.links[k].params)[0]);
    });
    return a;
  }
  function drawMap(title) {
    const l = me.l || L, j = me.l ? me.j : 0, n = data.grid, size = 300;
    title.textContent = `What ${unitName(l, j)} answers for every input`;
    const [x0, x1] = drawn.x ||= extent(0), [y0, y1] = drawn.y ||= extent(1);
    const points = drawn.points ||= Array.from({length: n * n}, (_, k) =>
      [x0 + (x1 - x0) * ((k % n) + 0.5) / n, y1 - (y1 - y0) * (Math.floor(k / n) + 0.5) / n]);
    const values = through(l, points).map(a => a[j]);
    const bounded = /^(logistic|softmax|step)$/.test(net.links[l].name);
    const low = bounded ? 0 : min(...values), high = bounded ? 1 : max(...values);
    const canvas = drawn.canvas ||= h("canvas", {width: n, height: n, role: "img"}), pen = canvas.getContext("2d"), image = pen.createImageData(n, n);
    values.forEach((v, k) => { image.data.set([...cividis((v - low) / (high - low || 1)), 255], 4 * k); });
    pen.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", `Map of ${unitName(l, j)}, from ${fmt(low)} (dark) to ${fmt(high)} (bright)`);
    const px = x => (x - x0) / (x1 - x0) * size, py = y => (y1 - y) / (y1 - y0) * size;
    const svg = h("svg", {viewBox: `0 0 ${size} ${size}`, class: "over", "aria-hidden": "true"});
    rows.X.forEach((x, row) => svg.append(h("path", {d: SHAPES[data.kind === "numbers" ? 0 : classOf(row) % SHAPES.length], class: `mark${row === me.row ? " on" : ""}`,
      transform: `translate(${px(x[0])},${py(x[1])})${row === me.row ? " scale(1.6)" : ""}`, onclick: () => chooseRow(row)})));
    const keys = data.kind === "numbers" || !names ? [] : names.slice(0, 6).map((_, k) => h("span", {class: "key"},
      h("svg", {viewBox: "-8 -8 16 16", width: 14, height: 14, "aria-hidden": "true"}, h("path", {d: SHAPES[k % 6], class: "mark"})), " ", shortName(k, 14)));
    picture.replaceChildren(h("div", {class: "map"}, canvas, svg), h("p", {class: "note"},
      `${clip(feature(0), 16)} → from ${fmt(x0)} to ${fmt(x1)}, ${clip(feature(1), 16)} ↑ from ${fmt(y0)} to ${fmt(y1)}. Dark: ${fmt(low)}, bright: ${fmt(high)}. `, ...keys));
  }
  function axes(x0, x1, y0, y1, size = [340, 220], ylog = false) {
    const [w, hgt] = size, left = 46, bottom = 26, f = ylog ? v => Math.log10(max(v, 1e-300)) : v => v;
    const px = x => left + (x - x0) / (x1 - x0 || 1) * (w - left - 8), py = y => hgt - bottom - (f(y) - f(y0)) / (f(y1) - f(y0) || 1) * (hgt - bottom - 8);
    const svg = h("svg", {viewBox: `0 0 ${w} ${hgt}`, class: "chart", role: "img"},
      h("path", {d: `M${left},8V${hgt - bottom}H${w - 8}`, class: "axis"}),
      h("text", {x: left - 5, y: 14, class: "tick", "text-anchor": "end"}, tick(y1)), h("text", {x: left - 5, y: hgt - bottom, class: "tick", "text-anchor": "end"}, tick(y0)),
      h("text", {x: left, y: hgt - 8, class: "tick"}, tick(x0)), h("text", {x: w - 8, y: hgt - 8, class: "tick", "text-anchor": "end"}, tick(x1)));
    return {svg, px, py, w, hgt, left, bottom};
  }
  const pathOf = (points, px, py) => "M" + points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join("L");
  function drawLine(title) {
    const l = me.l || L, j = me.l ? me.j : 0, [x0, x1] = drawn.x ||= extent(0);
    title.textContent = L === 1 ? "The curve σ(w x + b), and the rows" : `What ${unitName(l, j)} answers for every input`;
    const xs = Array.from({length: 121}, (_, k) => [x0 + (x1 - x0) * k / 120]), points = through(l, xs).map((a, k) => [xs[k][0], a[j]]);
    const ys = [...points.map(point => point[1]), ...(l === L ? rows.Y.map(y => y[min(j, K - 1)]) : [])];
    const {svg, px, py} = axes(x0, x1, min(...ys), max(...ys));
    svg.append(h("path", {d: pathOf(points, px, py), class: "line"}));
    if (l === L) rows.X.forEach((x, row) => svg.append(h("path", {d: SHAPES[data.kind === "numbers" ? 0 : classOf(row) % 6], class: `mark${row === me.row ? " on" : ""}`,
      transform: `translate(${px(x[0])},${py(rows.Y[row][j])})${row === me.row ? " scale(1.6)" : ""}`, onclick: () => chooseRow(row)})));
    svg.setAttribute("aria-label", `Curve of ${unitName(l, j)} over ${feature(0)}, with the targets of the rows`);
    picture.replaceChildren(svg, note(`Across: ${feature(0)}. Line: the answer. Marks: targets.`));
  }
  function pixels(values, low, high, text) {
    const [hgt, w] = data.image, canvas = h("canvas", {width: w, height: hgt, class: "pixels", role: "img", "aria-label": text});
    const pen = canvas.getContext("2d"), image = pen.createImageData(w, hgt);
    values.forEach((v, k) => image.data.set([...cividis((v - low) / (high - low || 1)), 255], 4 * k));
    pen.putImageData(image, 0, 0);
    return h("figure", {}, canvas, h("figcaption", {}, text));
  }
  function drawImage(t, title) {
    title.textContent = `The image of ${rowName(me.row)}`;
    const x = rows.X[me.row], figures = [pixels(x, min(...x), max(...x), "input x")];
    if (me.l === 1) {
      const w = Array.from(x, (_, i) => net.w(shots[me.k].theta, 1, i, me.j)), top = max(...w.map(abs));
      const terms = w.map((each, i) => each * x[i]), most = max(...terms.map(abs));
      figures.push(pixels(w, -top, top, `weights of unit ${me.j}`), pixels(terms, -most, most, `x · w of unit ${me.j}`));
    }
    const hint = me.l === 1 ? "Weights and products: dark is negative, bright is positive." : "Choose a unit of layer 1 to see its weights as an image.";
    picture.replaceChildren(h("div", {class: "figures"}, figures), note(hint));
  }
  function drawBars(t, title) {
    const l = me.l || 1, j = me.l ? me.j : 0;
    title.textContent = `What adds up in ${unitName(l, j)}`;
    const some = terms(t, l, j).slice(0, 12), most = max(1e-300, ...some.map(term => abs(term.v)));
    const svg = h("svg", {viewBox: `0 0 340 ${some.length * 20 + 6}`, class: "chart", role: "img", "aria-label": `Largest terms of z of ${unitName(l, j)}`},
      h("path", {d: `M190,0V${some.length * 20}`, class: "axis"}));
    some.forEach((term, k) => {
      const wide = 80 * abs(term.v) / most;
      svg.append(h("rect", {x: term.v < 0 ? 190 - wide : 190, y: k * 20 + 3, width: max(wide, 0.5), height: 13, class: term.v < 0 ? "bar negative" : "bar"}),
        h("text", {x: 104, y: k * 20 + 14, class: "tick", "text-anchor": "end"}, clip(term.name, 15)),
        h("text", {x: 278, y: k * 20 + 14, class: "tick"}, fmt(term.v)));
    });
    picture.replaceChildren(svg, note("Each bar is one input times its weight; their sum is z."));
  }

  // ---- the sum of a unit, and its card ------------------------------------------------------------

  function terms(t, l, j) {  // of z, the largest first, and the bias
    const all = Array.from(t.a[l - 1], (a, i) => {
      const w = net.w(shots[me.k].theta, l, i, j);
      return {name: l === 1 ? feature(i) : letter("a", l - 1, i), i, a, w, v: a * w};
    });
    all.push({name: "b", i: -1, a: 1, w: shots[me.k].theta[net.b[l] + j], v: shots[me.k].theta[net.b[l] + j]});
    return all.sort((p, q) => abs(q.v) - abs(p.v));
  }
  function drawCard(t) {
    const {l, j} = me;
    if (l === 0) {
      card.replaceChildren(h("p", {}, `${feature(j)} is ${fmt(t.a[0][j])} in ${rowName(me.row)}. An input is given: it has no weights and no δ.`));
      return;
    }
    const line = (head, text) => [h("dt", {}, head), h("dd", {}, text)], all = terms(t, l, j);
    const buttons = all.slice(0, 6).map(term => h("li", {}, term.i < 0 ? `b = ${fmt(term.v)}`
      : button(`${clip(term.name, 12)} · w = ${fmt(term.a)} · ${inBrackets(term.w)} = ${fmt(term.v)}`, `Follow the weight from ${term.name}`,
        () => { me.i = term.i; draw(); }, {class: `plain${term.i === me.i ? " on" : ""}`})));
    card.replaceChildren(h("p", {dir: "auto"}, h("strong", {}, `${unitName(l, j)}, ${net.links[l].name}`)),
      h("dl", {}, ...line("z", fmt(t.z[l][j])), ...line("a", fmt(t.a[l][j])), ...line("δ", fmt(t.delta[l][j])),
        ...line("∂b of this row", `${fmt(l === L && !data.fit_intercept ? 0 : t.delta[l][j])} (the same as δ)`)),
      note("Its z is the sum of:"), h("ul", {class: "terms"}, buttons,
        all.length > 6 ? h("li", {class: "note"}, `… and ${all.length - 6} smaller term${all.length === 7 ? "" : "s"}, together ${fmt(all.slice(6).reduce((s, term) => s + term.v, 0))}`) : null));
  }

  // ---- step by step -------------------------------------------------------------------------------

  function stages() {
    const all = [{kind: "input", text: "Input"}];
    for (let l = 1; l <= L; l++) all.push({kind: "forward", l, text: `Forward ${l}`});
    all.push({kind: "loss", text: "Loss"});
    for (let l = L; l >= 1; l--) all.push({kind: "delta", l, text: `δ${sup(l)}`});
    all.push({kind: "grad", text: "∂W, ∂b"}, {kind: "batch", text: "Mean over the batch"});
    if (data.optimizer) all.push({kind: "update", text: "Update"});
    return all;
  }
  const formula = (...lines) => h("div", {class: "formula"}, lines.filter(Boolean).map(([what, text]) => h("div", {}, h("span", {class: "lhs"}, what), h("span", {}, `= ${text}`))));
  const say = text => h("p", {class: "say", dir: "auto"}, text);
  const list = (all, n, one) => all.slice(0, n).map(one).join(" + ") + (all.length > n ? ` + … ${all.length - n} more` : "");
  const partText = (text, values, component) => text ? fill(text, {...component.params, ...values}) : null;

  function forwardStage(t, l, j) {
    const all = terms(t, l, j), link = net.links[l], z = t.z[l][j], a = t.a[l][j];
    const numbers = partText(link.formula, {z, a}, link), letters = partText(link.formula, {z: "z", a: "a"}, link);
    const inputs = all.filter(term => term.i >= 0), b = all.find(term => term.i < 0).v;
    return [say(`${cap(unitName(l, j))} multiplies each number that arrives by a weight, adds its bias b, and gets z. Then ${link.name} turns z into a, which ${l < L ? "goes on to the next layer" : "is the answer"}.`),
      formula([`${letter("z", l, j)}`, `a${sup(l - 1)} W${sup(l)} + b${sup(l)}`],
        ["", `${list(inputs, 5, term => `${inBrackets(term.a)}·${inBrackets(term.w)}`)} + ${inBrackets(b)} = ${fmt(z)}`],
        [`${letter("a", l, j)}`, `σ(z)${letters ? ` = ${letters}` : ""}`], ["", `${numbers && numbers !== fmt(z) ? `${numbers} = ` : ""}${fmt(a)}`])];
  }
  function lossStage(t) {
    const loss = data.loss, k = data.kind === "classes" ? top(t.y) : min(me.l === L ? me.j : 0, K - 1);
    const values = {y: t.y[k], a: t.a[L][k], z: t.z[L][k], r: t.a[L][k] - t.y[k]}, one = t.parts ? t.parts[k] : t.loss;
    const target = data.kind === "numbers" || said(rows.Y[me.row]) === fmt(t.y[k]) ? "" : ` The network sees ${said(rows.Y[me.row])} as y = ${fmt(t.y[k])}${K > 1 ? " in that output and 0 in others" : ""}.`;
    return [say(`The loss ℓ says how wrong the answer is: 0 would be perfect. The answer is ${fmt(t.a[L][k])}${K > 1 ? ` in ${unitName(L, k)}` : ""}, the target ${fmt(t.y[k])}.${target}`),
      loss.formula && formula(["ℓ", partText(loss.formula, {y: "y", a: "a", z: "z", r: "(a − y)"}, loss)], ["", `${partText(loss.formula, values, loss)} = ${fmt(one)}`]),
      K > 1 || !loss.formula ? formula(["ℓ of the row", `${K > 1 ? "the sum over all outputs = " : ""}${fmt(t.loss)}`]) : null];
  }
  function deltaStage(t, l, j) {
    const d = t.delta[l][j], out = [], link = net.links[l], slope = t.slope[l] ? t.slope[l][j] : null;
    const nudge = `δ is the slope of the loss: if z of ${unitName(l, j)} were larger by 0.01, the loss of this row would change by about ${fmt(d)} · 0.01 = ${fmt(d * 0.01)}. `;
    const wish = d === 0 ? "It is 0: z makes no difference to this row's loss here." : `So z should be ${d > 0 ? "smaller" : "larger"}.`;
    if (l === L) {
      const values = {y: t.y[j], a: t.a[L][j], z: t.z[L][j], r: t.a[L][j] - t.y[j], slope: slope ?? undefined}, text = data.loss.delta;
      out.push(say(nudge + wish));
      if (text) out.push(formula([letter("δ", l, j), `∂ℓ/∂z = ${partText(text, {y: "y", a: "a", z: "z", r: "(a − y)", slope: "σ′(z)"}, data.loss)}`], ["", `${partText(text, values, data.loss)} = ${fmt(d)}`]));
      else out.push(formula([letter("δ", l, j), `∂ℓ/∂z = ${fmt(d)}`]));
      if (text && text.includes("slope") && link.derivative) out.push(formula(["σ′(z)", `${partText(link.derivative, {z: "z", a: "a"}, link)} = ${partText(link.derivative, {z: t.z[l][j], a: t.a[l][j]}, link)} = ${fmt(slope)}`]));
      return out;
    }
    const all = Array.from(t.delta[l + 1], (above, k) => ({d: above, w: net.w(shots[me.k].theta, l + 1, j, k)})).sort((p, q) => abs(q.d * q.w) - abs(p.d * p.w));
    const sum = all.reduce((s, term) => s + term.d * term.w, 0);
    out.push(say(`${cap(unitName(l, j))} has no target of its own. Its share of the blame comes back along its outgoing weights: each δ of layer ${l + 1} times the weight to it, added up, times the slope σ′ of the unit itself. ${nudge}${wish}`));
    out.push(formula([letter("δ", l, j), `(Σ δ${sup(l + 1)} · W${sup(l + 1)}) · σ′(z)`], ["", `(${list(all, 4, term => `${inBrackets(term.d)}·${inBrackets(term.w)}`)}) · ${inBrackets(slope)}`], ["", `${inBrackets(sum)} · ${inBrackets(slope)} = ${fmt(d)}`]));
    if (link.derivative) out.push(formula(["σ′(z)", `${partText(link.derivative, {z: "z", a: "a"}, link)} = ${partText(link.derivative, {z: t.z[l][j], a: t.a[l][j]}, link)} = ${fmt(slope)}`]));
    return out;
  }
  const weightName = (l, i, j) => `W${sup(l)}[${i}, ${j}]`;
  function gradStage(t, l, j, i) {
    const a = t.a[l - 1][i], d = t.delta[l][j];
    return [say(`How would the loss of this row change with the weight from ${l === 1 ? feature(i) : unitName(l - 1, i)} to ${unitName(l, j)}? The weight acts through z, multiplied by what arrives: so ∂W is what arrives times δ. The bias is multiplied by 1, so its ∂b is δ.`),
      formula([`∂${weightName(l, i, j)}`, `${letter("a", l - 1, i)} · ${letter("δ", l, j)} = ${inBrackets(a)} · ${inBrackets(d)} = ${fmt(a * d)}`],
        [`∂b${sup(l)}[${j}]`, l === L && !data.fit_intercept ? "0, as there is no bias" : `${letter("δ", l, j)} = ${fmt(d)}`])];
  }
  function batchStage(t, l, j, i) {
    const {grad, words, some, exact} = batchGradient(), at = net.W[l] + i * sizes[l] + j, n = some.length;
    const each = some.map(row => { const r = traceOf(me.k, row); return r.a[l - 1][i] * r.delta[l][j] * rows.weight[row]; });
    return [say(`Training does not follow one row. It takes the mean of ∂W over ${words}${data.alpha ? ", and adds alpha times the weight, the pull of the penalty toward zero" : ""}.${exact ? "" : " So this is close to, but not exactly, what training used."}`),
      formula([`mean ∂${weightName(l, i, j)}`, `(${list(each, 4, inBrackets)}) / ${n}${data.alpha ? ` + ${fmt(data.alpha)} · ${inBrackets(shots[me.k].theta[at])}` : ""} = ${fmt(grad[at])}`],
        [`mean ∂b${sup(l)}[${j}]`, fmt(grad[net.b[l] + j])])];
  }
  function updateStage(t, l, j, i) {
    if (shots[me.k].fitted) return [say(`These are ${shots[me.k].fitted}: training has ended, so no update follows. Go back to another moment to see one.`)];
    const {grad, exact} = batchGradient(), shot = shots[me.k], o = data.optimizer, at = net.W[l] + i * sizes[l] + j;
    const eta = shot.eta ?? data.eta, w = shot.theta[at], simple = o.name === "sgd" && !o.params.momentum;
    const head = `Every weight moves a little against ${simple ? "its slope, the mean ∂W" : `a direction that ${o.title} makes of its slopes, g now and those before`}. η (eta) = ${fmt(eta)} says how far.`;
    const known = !o.own && (simple || shot.state), g = `mean ∂${weightName(l, i, j)}`;
    if (!known) {
      return [say(`${head} The state of ${o.title} at this moment was not recorded; record=Record("epoch", state=True) keeps it.`),
        formula(...o.formulas.map(([what, text]) => [what, fill(text, o.params).replace(/\{|\}/g, "")]), ["new W", "W − η · direction"])];
    }
    const {lines, direction} = advance(o, net, shot.theta, grad, shot.state || {}), before = shot.state || {}, t1 = (before.t || 0) + 1;
    const seen = {}, steps = [];
    for (const [what, text] of o.formulas) {
      const old = letterName => before[letterName] ? before[letterName][at] : 0;
      const values = {...o.params, t: t1, g: lines.g[at]};
      for (const name of ["m", "v", "u", "m̂", "v̂"]) values[name] = name in seen ? seen[name] : old(name);
      seen[what] = lines[what][at];
      steps.push([what, `${fill(text, {...Object.fromEntries(Object.keys(o.params).map(name => [name, fmt(o.params[name])])), t: "t"})} = ${fill(text, values)} = ${fmt(seen[what])}`]);
    }
    const d = direction[at], next = w - eta * d, why = d === 0 ? "The direction is 0, so the weight stays."
      : simple && !o.decay ? `g is ${d > 0 ? "positive: a larger weight means a larger loss, so the weight goes down" : "negative: a larger weight means a smaller loss, so the weight goes up"}.`
      : `The direction is made of ${simple ? "g" : "g now and those before"}${o.decay ? " and the decay of the weight" : ""}; it is ${d > 0 ? "positive, so the weight goes down" : "negative, so the weight goes up"}, against it.`;
    return [say(`${head} ${why}${exact ? "" : " With the gradient of the rows on this page, which is not exactly that of training."}`),
      formula(["g", `${g} = ${fmt(grad[at])}`], ...steps, o.decay ? ["with decay", `direction + ${fmt(o.decay)} · W = ${fmt(d)}`] : null,
        [`new ${weightName(l, i, j)}`, `W − η · direction = ${inBrackets(w)} − ${fmt(eta)} · ${inBrackets(d)} = ${fmt(next)}`])];
  }
  const cap = text => text[0].toUpperCase() + text.slice(1);
  function place(stage, t) {  // the unit that a step is about: the selected one, or the most important of its layer
    if (stage.l === undefined || stage.l === me.l) return;
    const l = stage.l;
    me.l = l;
    me.j = l === L ? (data.kind === "classes" ? top(t.y) : 0) : top(Array.from(t.delta[l], abs));
    me.i = top(Array.from(t.a[l - 1], abs));
  }
  function drawStage(t) {
    const all = stages(), stage = all[me.stage], l = me.l || 1, j = me.l ? me.j : 0, i = min(me.i, sizes[l - 1] - 1);
    if (stageList.children.length !== all.length) {
      stageList.replaceChildren(...all.map((each, k) => button(each.text, `Step ${k + 1} of ${all.length}: ${each.text}`, () => setStage(k))));
    }
    [...stageList.children].forEach((each, k) => each.setAttribute("aria-pressed", String(k === me.stage)));
    const content = {input: () => [say(`The numbers of ${rowName(me.row)} enter the network. ${data.kind === "numbers" ? "Its target is" : "Its class is"} ${said(rows.Y[me.row])}.`),
      formula(["x", `(${[...rows.X[me.row].slice(0, 8)].map(fmt).join(", ")}${sizes[0] > 8 ? ", …" : ""})`])],
    forward: () => forwardStage(t, stage.l, j), loss: () => lossStage(t), delta: () => deltaStage(t, stage.l, j), grad: () => gradStage(t, l, j, i),
    batch: () => batchStage(t, l, j, i), update: () => updateStage(t, l, j, i)}[stage.kind]();
    stagePanel.replaceChildren(...content.filter(Boolean), h("div", {class: "buttons"},
      button("← Previous", "Previous step (p)", () => setStage(me.stage - 1)), button("Next →", "Next step (n)", () => setStage(me.stage + 1), {class: "main"})));
  }
  function setStage(k) {
    const n = stages().length, focus = document.activeElement && document.activeElement.textContent;
    me.stage = (k + n) % n;
    place(stages()[me.stage], traceOf(me.k, me.row));
    draw();
    if (focus === "Next →" || focus === "← Previous") [...stagePanel.querySelectorAll("button")].find(each => each.textContent === focus).focus({preventScroll: true});
    announce(`${stages()[me.stage].text}. ${(stagePanel.querySelector(".say") || {}).textContent || ""}`);
  }

  // ---- loss curve, rows, answers ------------------------------------------------------------------

  function drawCurve() {
    const lines = [[curveAt, curveLoss, trainer ? "line python" : "line"]];
    if (curveHeld) lines.push([heldAt, curveHeld, "line held"]);
    if (trainer && trainer.losses.length) lines.push([trainer.ends.map(end => end[unit] - end.before), trainer.losses, "line live"]);
    const values = lines.flatMap(line => [...line[1]]).filter(v => Number.isFinite(v) && (!me.logScale || v > 0));
    if (!values.length) { curve.replaceChildren(note("There is no loss curve: the estimator was not fitted.")); return; }
    const last = max(1, ...shots.map(shot => shot.at), ...lines.map(line => line[0].length ? line[0][line[0].length - 1] : 0));
    const low = me.logScale ? values.reduce((m, v) => min(m, v), Infinity) : 0, high = values.reduce((m, v) => max(m, v), low);
    const wide = max(300, min(760, curve.clientWidth || 680)), chart = axes(0, last, low, high, [wide, 190], me.logScale), {svg, px, py, hgt, bottom} = chart;
    for (const [at, loss, style] of lines) {
      const every = Math.ceil(loss.length / 1200);
      const points = Array.from(loss, (v, k) => [at[k], v]).filter(([, v], k) => Number.isFinite(v) && (!me.logScale || v > 0) && k % every === 0);
      if (points.length) svg.append(h("path", {d: pathOf(points, px, py), class: style}));
    }
    const cursor = h("line", {y1: 8, y2: hgt - bottom, class: "cursor"});
    svg.append(cursor);
    svg.setAttribute("aria-label", `Loss curve, from ${fmt(values[0])} to ${fmt(values[values.length - 1])}`);
    const move = event => {
      const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * wide;
      const at = (x - 46) / (wide - 54) * last;
      go(shots.reduce((best, shot, k) => abs(shot.at - at) < abs(shots[best].at - at) ? k : best, 0));
    };
    svg.addEventListener("pointerdown", event => { move(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointermove", event => { if (event.buttons) move(event); });
    drawn.cursor = at => { cursor.setAttribute("x1", px(at)); cursor.setAttribute("x2", px(at)); };
    const key = [h("span", {class: "note"}, `Across: ${unit}s completed. ${data.curve.words} `), trainer ? h("span", {class: "note"}, "Grey: Python's recorded curve. Blue: training in this page, a mean for each epoch. ") : null, data.curve.held_out ? h("span", {class: "note"}, "Dashed: held-out rows.") : null];
    curve.replaceChildren(svg, note(...key.filter(Boolean)));
  }
  const PAGE = 8;
  function drawRows(resort = false) {
    const {loss, answer, wrong} = losses();
    if (resort || !me.order || !me.playing) {
      const key = me.sort || "-loss", down = key[0] === "-", what = key.replace("-", "");
      const of = {loss: k => loss[k], row: k => data.rows.index[k], y: k => said(rows.Y[k]), answer: k => said(answer[k])}[what];
      const compare = (p, q) => of(p) < of(q) ? -1 : of(p) > of(q) ? 1 : 0;
      me.order = [...Array(m).keys()].sort((p, q) => me.sort ? (down ? compare(q, p) : compare(p, q)) : wrong[q] - wrong[p] || compare(q, p));
    }
    const some = me.order.slice(me.first, me.first + PAGE);
    const lines = drawn.lines ||= Array.from({length: PAGE}, (_, p) => {
      const line = {pick: button("", "", () => chooseRow(me.order[me.first + p]), {class: "plain"}), cells: [h("td", {dir: "auto"}), h("td", {dir: "auto"}), h("td")]};
      line.row = h("tr", {}, h("th", {scope: "row"}, line.pick), line.cells);
      return line;
    });
    if (body.children.length !== some.length) body.replaceChildren(...lines.slice(0, some.length).map(line => line.row));
    some.forEach((k, p) => {
      const {pick, cells, row} = lines[p], on = k === me.row;
      row.className = on ? "on" : "";
      pick.textContent = data.rows.index[k];
      pick.setAttribute("aria-label", `Choose ${rowName(k)}`); pick.setAttribute("aria-pressed", String(on));
      [saidShort(rows.Y[k]), `${wrong[k] ? "✗ " : ""}${saidShort(answer[k])}`, fmt(loss[k])].forEach((text, c) => {
        if (cells[c].textContent !== text) cells[c].textContent = text;
      });
    });
    if (m <= PAGE) return;
    const turn = (by, text, label) => button(text, label, () => { const to = me.first + by; if (to >= 0 && to < m) { me.first = to; drawRows(); } });
    if (!pager.children.length) pager.append(turn(-PAGE, "↑", "Earlier rows of the table"), h("span", {class: "note"}), turn(PAGE, "↓", "Later rows of the table"));
    pager.children[1].textContent = `${me.first + 1} to ${min(m, me.first + PAGE)} of ${m}${wrong.some(Boolean) ? `, ${wrong.filter(Boolean).length} wrong` : ""}`;
  }
  function drawMatrix() {
    const {answer, loss} = losses(), title = matrixPanel.firstChild, summary = drawn.note ||= note();
    if (data.kind === "numbers") {
      title.textContent = "Answer against target";
      const ys = rows.Y.map(y => y[0]), as = answer.map(a => a[0]), low = min(...ys, ...as), high = max(...ys, ...as);
      const {svg, px, py} = axes(low, high, low, high, [340, 220]);
      svg.append(h("path", {d: pathOf([[low, low], [high, high]], px, py), class: "line python"}));
      ys.forEach((y, k) => svg.append(h("path", {d: SHAPES[0], class: `mark${k === me.row ? " on" : ""}`, transform: `translate(${px(y)},${py(as[k])}) scale(0.6)`})));
      svg.setAttribute("aria-label", "Answers against targets");
      matrix.replaceChildren(svg, note("Across: target. Up: answer. On the line both are the same."));
      return;
    }
    const multi = data.kind === "multilabel", labels = multi ? ["no", "yes"] : names, n = min(labels.length, 12), short = clipAll(labels, 8);
    const counts = Array.from({length: n}, () => Array(n).fill(0));
    answer.forEach((a, k) => {
      if (multi) a.forEach((v, j) => counts[rows.Y[k][j] > 0.5 ? 1 : 0][v > 0.5 ? 1 : 0]++);
      else {
        const p = classOf(k), q = data.kind === "classes" ? top(a) : names.indexOf(said(a));
        if (p < n && q < n) counts[p][q]++;
      }
    });
    title.textContent = `Confusion matrix: ${when(shots[me.k])}`;
    const most = max(1, ...counts.flat()), same = counts.join();
    summary.textContent = `A line for each true class, a column for each answer. The ${m === 1 ? "one row" : `${m} rows`} of this page${multi ? ", all labels" : ""}; mean loss ${fmt(loss.reduce((s, v) => s + v, 0) / m)}.`;
    if (drawn.counts === same) return;
    drawn.counts = same;
    matrix.replaceChildren(h("div", {class: "scroll"}, h("table", {class: "matrix"}, h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "true"), ...short.slice(0, n).map((name, k) => h("th", {scope: "col", dir: "auto", title: labels[k]}, name)))),
      h("tbody", {}, counts.map((line, p) => h("tr", {}, h("th", {scope: "row", dir: "auto", title: labels[p]}, short[p]), ...line.map((count, q) => h("td", {class: p === q ? "hit" : count ? "miss" : "", style: `--share:${(count / most).toFixed(2)}`}, String(count)))))))),
    summary);
  }

  // ---- training in the page -----------------------------------------------------------------------

  function liveControls() {
    const wrong = h("span", {id: "eta-wrong", role: "alert"});
    const number = h("input", {type: "number", min: 0, step: "any", value: data.eta, id: "eta", "aria-describedby": "eta-wrong", oninput: () => {
      const eta = Number(number.value), good = eta > 0 && Number.isFinite(eta);
      number.setAttribute("aria-invalid", String(!good));
      wrong.textContent = good ? "" : "η must be a number above 0.";
      run.disabled = step.disabled = !good;
      if (good) trainer.eta = eta; else train(false);
    }});
    const n = rows.X.length, choices = [...new Set([1, data.live.batch_size, n])].sort((p, q) => p - q);
    const batch = h("select", {id: "batch", onchange: () => { trainer.size = Number(batch.value); }},
      choices.map(size => h("option", {value: size, selected: size === data.live.batch_size}, size === n ? `all ${n}` : size === 1 ? "one" : String(size))));
    const run = button("Run", "Train in this page", () => train(!me.training), {class: "main"});
    const step = button("Step", "One update", () => { train(false); trainer.update(); keep(true); });
    me.runButton = run;
    const exactly = data.live.constant && (data.live.in_order || data.live.order);
    return h("section", {class: "panel wide live", "aria-label": "Train in this page"}, h("div", {class: "bar"}, run,
      step,
      button("Reset", "Back to the recorded start", () => { train(false); trainer.reset(); shots = recorded; me.k = 0; lived = []; changed(); }),
      h("label", {for: "eta"}, "η "), number, wrong, h("label", {for: "batch"}, "batch "), batch),
    note(`Computed by JavaScript in this page${exactly ? data.optimizer.name === "sgd" ? "; the same numbers as the package to 1e-12" : "; the same formulas as the package, whose rounding Adam may amplify in long runs" : data.live.constant ? "; the package takes its rows in a random order that was not recorded, so its numbers differ" : "; the package's learning rate followed a schedule, and here it is constant"}.`));
  }
  let lived = [];
  function keep(redraw) {
    const at = unitOf === "step" ? trainer.updates : trainer.epochs + trainer.seen / rows.X.length;
    if (!lived.length) lived.push({at: 0, theta: data.live.theta, eta: trainer.eta, state: {}, k: 0});
    lived.push({at, theta: trainer.theta, eta: trainer.eta, state: trainer.state, batch: trainer.batch(), k: lived.length});
    if (lived.length > 400) lived = lived.filter((_, k) => k % 2 === 0 || k === lived.length - 1);
    shots = lived; me.k = shots.length - 1;
    if (redraw) changed();
  }
  function changed() {
    slider.max = shots.length - 1; drawn.curve = null; drawn.canvas && (lossesOf = {shot: null}); draw();
  }
  function train(on) {
    if (me.training === on) return;
    me.training = on; play(false);
    me.runButton.textContent = on ? "Pause" : "Run";
    const frame = () => {
      if (!me.training) return;
      const end = performance.now() + 8;
      do { trainer.epoch(); keep(false); } while (performance.now() < end && trainer.epochs % data.live.max_iter && !trainer.failed);
      changed();
      if (trainer.failed) announce("Training diverged: choose a smaller η and reset.");
      if (trainer.failed || trainer.epochs % data.live.max_iter === 0) train(false);
      else requestAnimationFrame(frame);
    };
    if (on) requestAnimationFrame(frame);
  }

  // ---- moving -------------------------------------------------------------------------------------

  function announce(text) { live.textContent = text; }
  function draw() {
    const t = traceOf(me.k, me.row), stage = stages()[me.stage], shot = shots[me.k], {loss} = losses();
    slider.value = me.k;
    const end = Math.ceil(max(...shots.map(each => each.at)));
    whenText.textContent = `${when(shot)}${shot.at > 0 && !shot.fitted && end > 1 ? ` of 0 … ${end - 1}` : ""} · loss of this row ${fmt(loss[me.row])}`;
    slider.setAttribute("aria-valuetext", when(shot));
    tableButton.setAttribute("aria-pressed", String(me.table)); logButton.setAttribute("aria-pressed", String(me.logScale));
    if (me.table) drawTable(t); else drawDiagram(t, stage);
    drawStage(t); drawPicture(t); drawCard(t);
    if (!drawn.curve) { drawn.curve = true; drawCurve(); }
    if (drawn.cursor) drawn.cursor(shot.at);
    drawRows(); drawMatrix();
  }
  function go(k, quiet) {
    const to = max(0, min(shots.length - 1, k));
    if (to === me.k) return;
    me.k = to; draw();
    if (!quiet) announce(`${cap(when(shots[to]))}, loss of this row ${fmt(losses().loss[me.row])}.`);
  }
  function chooseRow(row) {
    me.row = row; draw();
    const t = traceOf(me.k, row);
    announce(`${cap(rowName(row))}: target ${said(rows.Y[row])}, answer ${said(t.a[L])}, loss ${fmt(t.loss)}.`);
  }
  function select(l, j) {
    me.l = l; me.j = j;
    const stage = stages()[me.stage], t = traceOf(me.k, me.row);
    if (l > 0) me.i = top(Array.from(t.a[l - 1], abs));
    if (stage.l !== undefined && l > 0 && l !== stage.l) me.stage = stages().findIndex(each => each.kind === stage.kind && each.l === l);
    draw();
    announce(l ? `${cap(unitName(l, j))}: z ${fmt(t.z[l][j])}, a ${fmt(t.a[l][j])}, δ ${fmt(t.delta[l][j])}.` : `Input ${feature(j)}: ${fmt(t.a[0][j])}.`);
  }
  function play(on) {
    if (on === me.playing) return;
    me.playing = on;
    playButton.textContent = on ? "❚❚ Pause" : "▶ Play";
    if (!on) { draw(); announce(`Paused: ${when(shots[me.k])}.`); return; }
    if (me.k === shots.length - 1) go(0, true);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches, pace = calm ? 600 : max(30, min(150, 8000 / shots.length));
    let last = 0;
    const frame = now => {
      if (!me.playing) return;
      if (now - last >= pace) { last = now; go(me.k + 1, true); if (me.k === shots.length - 1) { play(false); return; } }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
  document.addEventListener("keydown", event => {
    const target = event.target, typing = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target !== slider;
    if (typing || target.closest(".tall") || event.ctrlKey || event.metaKey || event.altKey || (target !== document.body && !element.contains(target))) return;
    const pressed = /^(BUTTON|g)$/.test(target.tagName);
    const act = {ArrowLeft: () => go(me.k - 1), ArrowRight: () => go(me.k + 1), Home: () => go(0), End: () => go(shots.length - 1), n: () => setStage(me.stage + 1), p: () => setStage(me.stage - 1),
      ArrowUp: () => neighbour(-1), ArrowDown: () => neighbour(1), " ": pressed ? null : () => play(!me.playing)}[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  function neighbour(by) {
    const at = me.order.indexOf(me.row) + by;
    if (at < 0 || at >= m) return;
    me.first = Math.floor(at / PAGE) * PAGE; chooseRow(me.order[at]);
  }

  // ---- light or dark, and the frame around the page -----------------------------------------------

  function setTheme(theme) {
    element.dataset.theme = theme;
    const whole = element.parentElement === document.body;  // the page is ours
    (whole ? document.documentElement : element).style.colorScheme = theme;
    if (whole) document.body.style.background = getComputedStyle(element).backgroundColor;
  }
  function surroundings() {
    const body = document.body, jupyter = document.querySelector("[data-jp-theme-light]"), docs = document.documentElement.dataset.theme;
    if (jupyter) return jupyter.dataset.jpThemeLight === "false" ? "dark" : "light";
    if (/vscode-(dark|high-contrast(?!-light))/.test(body.className)) return "dark";
    if (/vscode-/.test(body.className)) return "light";
    if (docs === "dark" || docs === "light") return docs;
    const [r, g, b] = (getComputedStyle(element.parentElement || body).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
    if (r + g + b > 382) return "dark";  // the text that is inherited is light
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  setTheme(surroundings());
  let wideBefore = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth === wideBefore) return;
    wideBefore = element.clientWidth; drawn.curve = null; draw();
  }).observe(element);
  const ID = "sklearn-neuron-explorer";
  window.addEventListener("message", event => {
    if (event.data && event.data.type === ID && /^(light|dark)$/.test(event.data.theme)) setTheme(event.data.theme);
  });
  if (window.parent !== window) {
    const tell = () => window.parent.postMessage({type: ID, height: Math.ceil(element.getBoundingClientRect().height) + 8}, "*");
    new ResizeObserver(tell).observe(element); tell();
  }

  if (data.kind !== "numbers") me.j = data.kind === "classes" ? top(rows.Y[0]) : 0;
  me.row = losses().loss.reduce((best, v, k, all) => v > all[best] ? k : best, 0);
  me.j = data.kind === "classes" ? top(rows.Y[me.row]) : 0;
  draw();
  // For the package's own tests; it may change.
  element.explorer = {me, trainer, go, setStage, select, draw, net,
    numbers(k, row) {
      const t = traceOf(k, row), grad = new Float64Array(net.n);
      net.addGradient(shots[k].theta, grad, t, 1);
      const list = each => each.map(part => part && [...part]);
      return {z: list(t.z), a: list(t.a), delta: list(t.delta), loss: t.loss, grad: [...grad]};
    },
    theta: k => [...shots[k].theta], batch: () => [...batchGradient().grad]};
}
