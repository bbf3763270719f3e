// The explorer's numbers: unpacking, the forward and the backward pass, optimizers, training.
// Letters are the textbook's: z, a, delta, W, b; theta holds W1 ... WL and then b1 ... bL, row by
// row. Together with explorer.js, which follows in the page, it is one module.

async function unpack(part) {
  if (!part) return null;
  const raw = Uint8Array.from(atob(part.text), c => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = {float64: 8, float32: 4, delta16: 2}[part.kind], n = bytes.length / size;
  const plain = new Uint8Array(bytes.length);
  for (let b = 0; b < size; b++) for (let i = 0; i < n; i++) plain[i * size + b] = bytes[b * n + i];
  const rows = part.shape[0], width = n / (rows || 1), out = new Float64Array(n), short = part.kind === "delta16";
  const bits = new ({float64: BigInt64Array, float32: Int32Array}[part.kind] || Int16Array)(plain.buffer);
  const whole = short ? Float64Array.from(bits) : bits;
  for (let k = short ? 1 : part.order; k > 0; k--) for (let i = 0; i < n; i++) if (i % rows) whole[i] += whole[i - 1];
  const values = short ? whole.map(code => code * part.quantum) : new ({float64: Float64Array}[part.kind] || Float32Array)(plain.buffer);
  for (let i = 0; i < n; i++) out[(i % rows) * width + Math.floor(i / rows)] = values[i];
  return out;
}

const {exp, log, log1p, expm1, abs, max, min, sqrt, sign} = Math;
const sigmoid = z => 1 / (1 + exp(-z));
const softplus = z => max(z, 0) + log1p(exp(-abs(z)));
const ROOT_PI = sqrt(Math.PI);

// erfc(x) for x >= 0: a series of positive terms, and from 2 on the continued fraction
function erfc(x) {
  if (x >= 2) {
    let tail = 0;
    for (let k = 80; k > 0; k--) tail = k / 2 / (x + tail);
    return exp(-x * x) / ROOT_PI / (x + tail);
  }
  let term = x, sum = x;
  for (let n = 1; n < 100 && term > sum * 1e-18; n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 1 - 2 / ROOT_PI * exp(-x * x) * sum;
}
const Phi = z => z < 0 ? erfc(-z / Math.SQRT2) / 2 : 1 - erfc(z / Math.SQRT2) / 2;
const elu = (z, c) => z > 0 ? [z, 1] : [c * expm1(z), c * expm1(z) + c];
const LAMBDA = 1.0507009873554804934193349852946, SELU = 1.6732632423543772848170429916717;

// sigma(z) and sigma'(z)
const SIGMA = {
  identity: z => [z, 1],
  logistic: z => { const a = sigmoid(z); return [a, a * (1 - a)]; },
  tanh: z => { const a = Math.tanh(z); return [a, 1 - a * a]; },
  relu: z => z > 0 ? [z, 1] : [0, 0],
  leaky_relu: (z, p) => z > 0 ? [z, 1] : [p.negative_slope * z, p.negative_slope],
  elu: (z, p) => elu(z, p.c),
  selu: z => elu(z, SELU).map(each => each * LAMBDA),
  gelu: z => [z * Phi(z), Phi(z) + z * exp(-z * z / 2) / sqrt(2 * Math.PI)],
  silu: z => { const s = sigmoid(z), a = z * s; return [a, s + a * (1 - s)]; },
  softplus: z => [softplus(z), sigmoid(z)],
  exponential: z => [exp(z), exp(z)],
  step: z => [z >= 0 ? 1 : 0, 0],
};

function linked(link, z) {
  if (link.name !== "softmax") return z.map(each => SIGMA[link.name](each, link.params)[0]);
  const top = max(...z), powers = z.map(each => exp(each - top));
  const sum = powers.reduce((s, each) => s + each, 0);
  return powers.map(each => each / sum);
}

// of one output: the loss and its derivative by z, given y, z, a, the parameters, and sigma'(z)
const RESIDUAL = (y, z, a) => a - y;
const LOSS = {
  squared_error: [(y, z, a) => (a - y) ** 2, (y, z, a, p, slope) => 2 * (a - y) * slope],
  absolute_error: [(y, z) => abs(z - y), (y, z) => sign(z - y)],
  huber: [(y, z, a, p) => { const r = abs(z - y), c = min(r, p.threshold); return c * (r - c / 2); },
    (y, z, a, p) => max(-p.threshold, min(p.threshold, z - y))],
  quantile: [(y, z, a, p) => max((1 - p.quantile) * (z - y), p.quantile * (y - z)),
    (y, z, a, p) => (z >= y ? 1 : 0) - p.quantile],
  poisson: [(y, z) => exp(z) - y * z, RESIDUAL],
  binary_cross_entropy: [(y, z) => log1p(exp(-abs(z))) + (max(z, 0) - y * z), RESIDUAL],
  cross_entropy: [(y, z, a, p, slope, all) => {
    if (!y) return 0;
    const top = max(...all);
    return -y * (z - top - log(all.reduce((s, each) => s + exp(each - top), 0)));
  }, RESIDUAL],
  perceptron: [(y, z) => max(0, (1 - 2 * y) * z), RESIDUAL],
};

function makeNetwork(data) {
  const sizes = data.layers, L = sizes.length - 1, W = [0], b = [0];
  let at = 0;
  for (let l = 1; l <= L; l++) { W[l] = at; at += sizes[l - 1] * sizes[l]; }
  const nWeights = at;
  for (let l = 1; l <= L; l++) { b[l] = at; at += sizes[l]; }
  const links = [null, ...data.activations, data.loss.link];
  const loss = data.loss, smoothing = loss.params.label_smoothing || 0;
  const w = (theta, l, i, j) => theta[W[l] + i * sizes[l] + j];

  function sums(theta, l, below) {  // z of layer l: a W + b
    const n = sizes[l], z = new Float64Array(n);
    for (let i = 0; i < below.length; i++) {
      const a = below[i], start = W[l] + i * n;
      if (a !== 0) for (let j = 0; j < n; j++) z[j] += a * theta[start + j];
    }
    for (let j = 0; j < n; j++) z[j] += theta[b[l] + j];
    return z;
  }
  function forward(theta, x) {
    const z = [null], a = [x], slope = [null];
    for (let l = 1; l <= L; l++) {
      z[l] = sums(theta, l, a[l - 1]);
      a[l] = l === L ? linked(links[l], z[l]) : new Float64Array(sizes[l]);
      slope[l] = new Float64Array(sizes[l]);
      if (links[l].name === "softmax") continue;
      for (let j = 0; j < sizes[l]; j++) {
        const both = SIGMA[links[l].name](z[l][j], links[l].params);
        a[l][j] = both[0]; slope[l][j] = both[1];
      }
    }
    return {z, a, slope};
  }
  const over = loss.name === "binary_cross_entropy" ? 2 : sizes[L];
  const smooth = y => smoothing ? y.map(each => each * (1 - smoothing) + smoothing / over) : y;
  function score(theta, x, y0) {  // the forward pass of one row and its loss
    const t = forward(theta, x), value = LOSS[loss.name][0], {z, a, slope} = t;
    t.y = smooth(y0);
    t.parts = t.y.map((each, k) => value(each, z[L][k], a[L][k], loss.params, slope[L][k], z[L]));
    t.loss = t.parts.reduce((s, each) => s + each, 0);
    return t;
  }
  function trace(theta, x, y0) {  // both passes of one row
    const t = score(theta, x, y0), y = t.y, slopeOf = LOSS[loss.name][1];
    const delta = [];
    delta[L] = y.map((each, k) => slopeOf(each, t.z[L][k], t.a[L][k], loss.params, t.slope[L][k]));
    for (let l = L; l > 1; l--) {
      delta[l - 1] = new Float64Array(sizes[l - 1]);
      for (let i = 0; i < sizes[l - 1]; i++) {
        let sum = 0;
        for (let j = 0, at = W[l] + i * sizes[l]; j < sizes[l]; j++) sum += delta[l][j] * theta[at + j];
        delta[l - 1][i] = sum * t.slope[l - 1][i];
      }
    }
    t.delta = delta;
    return t;
  }
  function addGradient(theta, grad, t, share) {  // of one row, times its share
    for (let l = 1; l <= L; l++) for (let j = 0; j < sizes[l]; j++) {
      const d = t.delta[l][j] * share;
      if (d === 0) continue;
      for (let i = 0; i < sizes[l - 1]; i++) grad[W[l] + i * sizes[l] + j] += t.a[l - 1][i] * d;
      if (l < L || data.fit_intercept) grad[b[l] + j] += d;
    }
  }
  function penalty(theta) {
    let sum = 0;
    if (data.alpha) for (let i = 0; i < nWeights; i++) sum += theta[i] * theta[i];
    return data.alpha / 2 * sum;
  }
  function decay(theta, grad, factor) {
    if (factor) for (let i = 0; i < nWeights; i++) grad[i] += factor * theta[i];
  }
  return {sizes, L, W, b, links, w, n: at, sums, score, trace, addGradient, penalty, decay};
}

// One update: the direction for a gradient, and the state after it. Lines are the formulas' values.
function advance(optimizer, net, theta, grad, state) {
  const p = optimizer.params, g = Float64Array.from(grad);
  if (optimizer.max_norm !== null) {
    const norm = sqrt(g.reduce((s, each) => s + each * each, 0));
    if (norm > optimizer.max_norm) g.forEach((each, i) => { g[i] = each * (optimizer.max_norm / norm); });
  }
  const zeros = () => new Float64Array(g.length), next = {}, lines = {g};
  let direction = g;
  if (optimizer.name === "sgd" && p.momentum) {
    const v = (state.v || zeros()).map((each, i) => p.momentum * each + g[i]);
    direction = p.nesterov ? g.map((each, i) => each + p.momentum * v[i]) : v;
    Object.assign(next, {v}); Object.assign(lines, {v});
  } else if (optimizer.name === "adam" || optimizer.name === "adamw") {
    const t = (state.t || 0) + 1;
    const m = (state.m || zeros()).map((each, i) => p.beta_1 * each + (1 - p.beta_1) * g[i]);
    const v = (state.v || zeros()).map((each, i) => p.beta_2 * each + (1 - p.beta_2) * g[i] * g[i]);
    const c1 = 1 - p.beta_1 ** t, c2 = 1 - p.beta_2 ** t;
    direction = m.map((each, i) => each / c1 / (sqrt(v[i] / c2) + p.epsilon));
    Object.assign(next, {m, v, t});
    Object.assign(lines, {m, v, "m̂": m.map(each => each / c1), "v̂": v.map(each => each / c2)});
  } else if (optimizer.name === "rmsprop") {
    const v = (state.v || zeros()).map((each, i) => p.rho * each + (1 - p.rho) * g[i] * g[i]);
    direction = g.map((each, i) => each / (sqrt(v[i]) + p.epsilon));
    next.v = lines.v = v;
    if (p.momentum) {
      const u = (state.u || zeros()).map((each, i) => p.momentum * each + direction[i]);
      next.u = lines.u = direction = u;
    }
  }
  lines.direction = direction;
  const whole = Float64Array.from(direction);
  net.decay(theta, whole, optimizer.decay);
  return {direction: whole, lines, state: next};
}

// Training in the page: the package's loop over batches of rows, from the recorded start.
function makeTrainer(data, net, rows) {
  const live = data.live, n = rows.X.length, place = new Map(data.rows.index.map((row, k) => [row, k]));
  const order = live.order && live.order.map(step => step.map(row => place.get(row)));
  const trainer = {eta: data.eta, size: live.batch_size};
  trainer.reset = () => {
    Object.assign(trainer, {theta: Float64Array.from(live.theta), state: {}, epochs: 0, updates: 0,
      seen: 0, sum: 0, losses: [], ends: [], failed: false});
  };
  trainer.batch = () => {  // the rows of the next update
    if (trainer.size === live.batch_size && order && trainer.updates < order.length) return order[trainer.updates];
    const end = min(n, trainer.seen + trainer.size), some = [];
    for (let k = trainer.seen; k < end; k++) some.push(k);
    return some;
  };
  trainer.update = () => {
    const batch = trainer.batch(), grad = new Float64Array(net.n);
    let loss = 0;
    for (const k of batch) {
      const t = net.trace(trainer.theta, rows.X[k], rows.Y[k]), share = rows.weight[k] / batch.length;
      loss += share * t.loss;
      net.addGradient(trainer.theta, grad, t, share);
    }
    trainer.sum += batch.length * (loss + net.penalty(trainer.theta));
    net.decay(trainer.theta, grad, data.alpha);
    const step = advance(data.optimizer, net, trainer.theta, grad, trainer.state);
    if (!data.fit_intercept) step.direction.fill(0, net.b[net.L]);
    trainer.theta = trainer.theta.map((each, i) => each - trainer.eta * step.direction[i]);
    trainer.state = step.state; trainer.updates++; trainer.seen += batch.length;
    trainer.failed = !trainer.theta.every(Number.isFinite);
    if (trainer.seen < n) return false;
    trainer.epochs++;
    trainer.losses.push(trainer.sum / n);
    trainer.ends.push({epoch: trainer.epochs, step: trainer.updates, before: batch.length === n ? 1 : 0}); trainer.seen = trainer.sum = 0;
    return true;
  };
  trainer.epoch = () => { while (!trainer.update()); };
  trainer.reset();
  return trainer;
}
