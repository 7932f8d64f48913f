"use strict";
// What augmentation joins: a ring of points in two classes, its graph, two numbers and the bound.
(() => {
  const { bar, dial, drawing, element, key, number, percent, range, shape, start, status, sum } = play;
  const POINTS = 24;
  const ARC = POINTS / 2;
  const KEPT = 2; // dimensions of the encoder
  const TIE = 1e-9; // scores and votes closer than this tie
  const SAME = 1e-8; // as eigenvalues do
  const label = (point) => Math.floor(point / ARC);

  /** Eigenvalues of a symmetric matrix, greatest first, and their eigenvectors (Jacobi). */
  function eigen(matrix) {
    const a = matrix.map((row) => row.slice());
    const size = range(a.length);
    const v = size.map((i) => size.map((j) => +(i === j)));
    const rotate = (rows, p, q, c, s) => {
      for (const row of rows) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
    };
    for (let sweep = 0; sweep < 50; sweep++) {
      if (sum(size.map((p) => sum(size.map((q) => (p < q ? a[p][q] ** 2 : 0))))) < 1e-28) break;
      for (const p of size) {
        for (const q of size.slice(p + 1)) {
          if (a[p][q] === 0) continue;
          const lean = (a[q][q] - a[p][p]) / (2 * a[p][q]);
          const t = (lean < 0 ? -1 : 1) / (Math.abs(lean) + Math.sqrt(lean * lean + 1));
          const c = 1 / Math.sqrt(t * t + 1);
          rotate(a, p, q, c, t * c);
          for (const k of size) [a[p][k], a[q][k]] = [c * a[p][k] - t * c * a[q][k], t * c * a[p][k] + c * a[q][k]];
          rotate(v, p, q, c, t * c);
        }
      }
    }
    const order = size.slice().sort((i, j) => a[j][j] - a[i][i]);
    return { values: order.map((i) => a[i][i]), vectors: order.map((i) => v.map((row) => row[i])) };
  }

  /** Pieces of the graph in which `joined(a, b)` says whether two of `nodes` have an edge. */
  function pieces(nodes, joined) {
    const left = new Set(nodes);
    let count = 0;
    for (; left.size; count++) {
      const next = [left.values().next().value];
      while (next.length) {
        const from = next.pop();
        if (left.delete(from)) next.push(...[...left].filter((to) => joined(from, to)));
      }
    }
    return count;
  }

  /** The world `ring_world(strength, boundary_share=border)` at a share `beta` of real draws, with
      an encoder of two dimensions: `edges` between views, their masses `degrees`, and the numbers
      of the bound. The error is null where a tie leaves the encoder open. */
  play.ring = (strength, beta, border) => {
    const points = range(POINTS);
    const sixth = (point) => Math.floor((6 * (point % ARC)) / ARC);
    const real = points.map((point) => (sixth(point) % 3 === 1 ? 1 / 8 : 0));
    const generated = points.map((point) => {
      const edge = point % ARC === 0 || point % ARC === ARC - 1;
      return (sixth(point) % 5 ? (1 - border) / 16 : 0) + (edge ? border / 4 : 0);
    });
    const train = points.map((i) => beta * real[i] + (1 - beta) * generated[i]);
    const near = (i, j) => Math.min(Math.abs(i - j), POINTS - Math.abs(i - j)) <= strength;
    const kernel = points.map((i) => points.map((j) => (near(i, j) ? 1 / (2 * strength + 1) : 0)));
    const edges = points.map((a) =>
      points.map((b) => sum(points.map((i) => train[i] * kernel[i][a] * kernel[i][b]))),
    );
    const degrees = points.map((a) => sum(points.map((i) => train[i] * kernel[i][a])));
    const views = points.filter((a) => degrees[a] > 0);
    const count = pieces(views, (a, b) => edges[a][b] > 0);

    const { values, vectors } = eigen(
      views.map((a) => views.map((b) => edges[a][b] / Math.sqrt(degrees[a] * degrees[b]))),
    );
    const eigenvalues = values.map((gamma, i) => (i < count ? 0 : Math.min(1, Math.max(0, 1 - gamma))));
    const gap = eigenvalues[KEPT];
    const tied = gap - eigenvalues[KEPT - 1] < SAME && eigenvalues[KEPT - 1] < 1 - SAME;

    const wrong = (i) => sum(points.map((j) => (label(i) === label(j) ? 0 : kernel[i][j])));
    const alpha = sum(points.map((i) => train[i] * wrong(i)));
    const distance = sum(points.map((i) => Math.abs(real[i] - generated[i]))) / 2;
    const first = gap > 0 ? (8 * alpha) / gap : Infinity;
    const onTrain = first + 2 * alpha;
    const bound = Math.min(onTrain + (1 - beta) * distance, beta > 0 ? onTrain / beta : Infinity);

    // the best linear head on the kept functions, then a vote of each image's views
    const kept = range(KEPT).filter((i) => eigenvalues[i] < 1 - SAME);
    const score = (at, y) =>
      sum(kept.map((i) => {
        const share = views.map((b, n) => (label(b) === y ? vectors[i][n] * Math.sqrt(degrees[b]) : 0));
        return (vectors[i][at] * sum(share)) / Math.sqrt(degrees[views[at]]);
      }));
    const winner = (zero, one) => (Math.abs(zero - one) <= TIE ? null : +(one > zero));
    const guess = new Map(views.map((a, at) => [a, winner(score(at, 0), score(at, 1))]));
    const votes = (i, y) => sum(points.map((j) => (guess.get(j) === y ? kernel[i][j] : 0)));
    const misses = points.map((i) => winner(votes(i, 0), votes(i, 1)) !== label(i));
    const error = tied ? null : sum(points.map((i) => (misses[i] ? real[i] : 0)));
    // what of the encoder tells the classes apart: its second function, positive on class B
    const second = new Map(views.map((a, at) => [a, vectors[1][at] / Math.sqrt(degrees[a])]));
    const sign = sum(views.map((a) => second.get(a) * degrees[a] * (label(a) ? 1 : -1))) < 0 ? -1 : 1;
    return {
      alpha, gap, distance, first, bound, error, tied, eigenvalues, edges, degrees,
      pieces: count, real, learned: points.map((a) => sign * (second.get(a) ?? 0)),
    };
  };

  // --- on the page ---

  const place = (point, radius = 118) => {
    const angle = (2 * Math.PI * (point + 0.5)) / POINTS;
    return [150 + radius * Math.sin(angle), 150 - radius * Math.cos(angle)];
  };

  function graph({ edges, degrees, real, learned, tied }) {
    const pairs = range(POINTS).flatMap((a) => range(a).map((b) => [a, b]));
    const heaviest = Math.max(...pairs.map(([a, b]) => edges[a][b]));
    const lines = pairs.filter(([a, b]) => edges[a][b] > 0).map(([a, b]) => {
      const [[x1, y1], [x2, y2]] = [place(a), place(b)];
      const kind = label(a) === label(b) ? "play-edge" : "play-edge play-crossing";
      return shape("line", { x1, y1, x2, y2, class: kind, "stroke-width": 0.5 + (4 * edges[a][b]) / heaviest });
    });
    const nodes = range(POINTS).filter((a) => degrees[a] > 0).map((a) => {
      const [x, y] = place(a);
      const side = tied ? "play-open" : learned[a] > 0 ? "play-second" : "play-first";
      return real[a]
        ? shape("circle", { cx: x, cy: y, r: 8, class: `play-node ${side}` })
        : shape("rect", { x: x - 6, y: y - 6, width: 12, height: 12, class: `play-node ${side}` });
    });
    const border = shape("line", { x1: 150, x2: 150, y1: 4, y2: 296, class: "play-border" });
    const names = [shape("text", { x: 4, y: 16 }, "class B"), shape("text", { x: 296, y: 16, "text-anchor": "end" }, "class A")];
    return [border, ...lines, ...nodes, ...names];
  }

  function spectrum(eigenvalues) {
    const x = (i) => 54 + 34 * i;
    const y = (value) => 262 - 225 * value;
    const grid = [0, 0.5, 1].flatMap((value) => [
      shape("line", { x1: 38, x2: 298, y1: y(value), y2: y(value), class: "play-grid" }),
      shape("text", { x: 30, y: y(value) + 5, "text-anchor": "end" }, value),
    ]);
    const dots = eigenvalues.slice(0, 8).map((value, i) =>
      shape("circle", { cx: x(i), cy: y(value), r: i === KEPT ? 8 : 6, class: i === KEPT ? "play-third" : "play-value" }),
    );
    const cut = shape("line", { x1: x(1.5), x2: x(1.5), y1: 24, y2: 262, class: "play-border" });
    const words = [[150, 14, "eigenvalues"], [x(0.5), 286, "kept"], [x(3.2), 286, "left out"]].map(
      ([at, down, text]) => shape("text", { x: at, y: down, "text-anchor": "middle" }, text),
    );
    return [...grid, cut, ...dots, ...words];
  }

  function inWords({ alpha, gap, bound, error, tied, pieces: count }) {
    const numbers = `α = ${number(alpha, 3)}, λ₃ = ${number(gap, 3)}, bound ${number(bound)}`;
    if (tied) {
      return `${numbers}. The graph is in ${count} pieces and λ₂ = λ₃: nothing tells which functions to keep, and chance decides what is learned.`;
    }
    const errs = `true error ${number(error)}`;
    const verdict = bound >= 1 ? "a bound of one or more says nothing" : "here the bound says something";
    return `${numbers}, ${errs}: ${verdict}. The graph is in ${count === 1 ? "one piece" : `${count} pieces`}.`;
  }

  start("ring", (root) => {
    const strength = dial("strength of augmentation, steps", { min: 0, max: 8, step: 1, start: 2 }, paint);
    const beta = dial("share β of real draws", { min: 0.05, max: 1, step: 0.05, start: 0.35, shown: number }, paint);
    const border = dial("generated mass on the border of the classes", { min: 0, max: 0.5, step: 0.02, start: 0.1, shown: percent }, paint);
    const [ring, values] = [drawing(300, 300), drawing(300, 300)];
    const sizes = element("div");
    const said = status();
    root.append(
      strength.node, beta.node, border.node,
      element("div", { class: "play-two" }, ring.node, values.node),
      element("p", { class: "play-legend" }, "Circles are real images, squares generated ones or views alone; the two fills are what the encoder’s second function tells apart, grey where chance decides. Red edges join the classes."),
      sizes, said,
    );

    function paint() {
      const found = play.ring(strength.value, beta.value, border.value);
      ring.draw(`A ring of ${POINTS} points, its graph in ${found.pieces} pieces`, ...graph(found));
      const shown = found.eigenvalues.slice(0, 8).map((value) => number(value)).join(", ");
      values.draw(`The smallest eigenvalues: ${shown}`, ...spectrum(found.eigenvalues));
      const { first, alpha, bound, error, tied } = found;
      const rest = bound === Infinity ? 0 : bound - first - 2 * alpha;
      const parts = [
        [first, "play-wrong", `8α / λ₃ = ${number(first)}`],
        [2 * alpha, "play-generated", `2α = ${number(2 * alpha)}`],
        [rest, "play-real", `way to the real distribution ${bound === Infinity ? "at most (1 − β) D" : number(rest)}`],
      ];
      const scale = bar(parts.map(([size, kind]) => [Math.min(size, 2) / 2, kind]));
      scale.append(element("b", { class: "play-one" }));
      if (!tied) scale.append(element("b", { class: "play-error", style: `left:${50 * error}%` }));
      sizes.replaceChildren(
        scale,
        key([
          ...parts.map(([, kind, words]) => [kind, words]),
          ["play-one", "one: from here on a bound says nothing"],
          ["play-error", tied ? "true error: left to chance" : `true error ${number(error)}`],
        ]),
      );
      said.textContent = inWords(found);
    }
    paint();
  });
})();
