"use strict";
// How many seeds? A study simulated again and again, judged by the ledger's own rule.
(() => {
  const { bar, button, dial, drawing, element, key, number, percent, random, range, shape, start, status, sum } = play;
  const FAMILY = 0.95; // confidence over all claims of a study
  const MARGIN = 1; // points
  const STUDIES = 500;
  const SHOWN = 7;
  const WORDS = ["holds", "holds, but negligible", "not decided", "no gain of a point", "costs accuracy"];

  const mean = (values) => sum(values) / values.length;

  /** Chance that Student's t with `freedom` degrees, a whole number, lies between −t and t. */
  function within(t, freedom) {
    const angle = Math.atan(t / Math.sqrt(freedom));
    const square = Math.cos(angle) ** 2;
    const odd = freedom % 2;
    let [term, series] = [odd ? Math.cos(angle) : 1, 0];
    for (let j = odd ? 3 : 2; j <= freedom; j += 2) {
      series += term;
      term *= (square * (j - 1)) / j;
    }
    const part = Math.sin(angle) * series;
    return odd ? (2 / Math.PI) * (angle + part) : part;
  }

  const quantiles = new Map();
  /** Half the width of Student's two-sided interval at `confidence`, in standard errors. */
  function quantile(confidence, freedom) {
    const name = `${confidence} ${freedom}`;
    if (!quantiles.has(name)) {
      let [low, high] = [0, 1];
      while (within(high, freedom) < confidence) high *= 2;
      for (let step = 0; step < 60; step++) {
        const middle = (low + high) / 2;
        if (within(middle, freedom) < confidence) low = middle;
        else high = middle;
      }
      quantiles.set(name, (low + high) / 2);
    }
    return quantiles.get(name);
  }

  /** The rule on accuracies `runs` (arms, seeds), arm 1 minus arm 0: the study has a claim for each
      arm after the first. The standard error is the larger of the difference's own and that of a
      block design; a strict study's interval is also as wide as the difference's own. */
  function judge(runs, strict) {
    const [arms, seeds] = [runs.length, runs[0].length];
    const confidence = 1 - (1 - FAMILY) / (arms - 1);
    const values = range(seeds).map((seed) => runs[1][seed] - runs[0][seed]);
    const value = mean(values);
    const own = Math.sqrt(sum(values.map((each) => (each - value) ** 2)) / (seeds - 1));
    const byArm = runs.map(mean);
    const bySeed = range(seeds).map((seed) => mean(runs.map((arm) => arm[seed])));
    const all = mean(byArm);
    const freedom = (arms - 1) * (seeds - 1);
    const residuals = runs.map((arm, a) =>
      sum(arm.map((each, seed) => (each - byArm[a] - bySeed[seed] + all) ** 2)),
    );
    const pooled = Math.sqrt((2 * sum(residuals)) / freedom);
    const half = (deviation, degrees) => (quantile(confidence, degrees) * deviation) / Math.sqrt(seeds);
    const wide = Math.max(half(Math.max(own, pooled), freedom), strict ? half(own, seeds - 1) : 0);
    const [low, high] = [value - wide, value + wide];
    return { value, low, high, words: inWords(low, high) };
  }

  function inWords(low, high) {
    if (low > 0) return high < MARGIN ? "holds, but negligible" : "holds";
    if (high >= MARGIN) return "not decided";
    return high < 0 ? "costs accuracy" : "no gain of a point";
  }

  /** Accuracies (arms, seeds) of a study in which arm 1 is truly `effect` points above all others;
      `noise` is the standard deviation of a run beside the arms of its seed. */
  function study(draw, { effect, noise, seeds, claims }) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    return range(claims + 1).map((arm) =>
      range(seeds).map(() => (arm === 1 ? effect : 0) + noise * normal()),
    );
  }

  /** The verdicts of `count` studies from a seed. */
  function verdicts(seed, count, truth) {
    const draw = random(seed);
    return range(count).map(() => judge(study(draw, truth), truth.strict));
  }

  play.seeds = { WORDS, quantile, judge, study, verdicts };

  // --- on the page ---

  const kind = (words) => `play-word-${WORDS.indexOf(words)}`;

  function intervals(drawn, effect) {
    const x = (points) => 170 + 34 * Math.max(-4.6, Math.min(4.6, points - 0.5));
    const rows = drawn.flatMap(({ value, low, high, words }, row) => {
      const y = 16 + 20 * row;
      return [
        shape("line", { x1: x(low), x2: x(high), y1: y, y2: y, class: `play-interval ${kind(words)}` }),
        shape("circle", { cx: x(value), cy: y, r: 4.5, class: kind(words) }),
      ];
    });
    const foot = 16 + 20 * SHOWN;
    const between = shape("rect", { x: x(0), y: 2, width: x(MARGIN) - x(0), height: foot - 8, class: "play-small" });
    const truth = shape("line", { x1: x(effect), x2: x(effect), y1: 2, y2: foot - 6, class: "play-border" });
    const ticks = [-4, -2, 0, 1, 2, 4].map((at) =>
      shape("text", { x: x(at), y: foot + 10, "text-anchor": "middle" }, number(at, 0)),
    );
    return [between, truth, ...rows, ...ticks];
  }

  start("seeds", (root) => {
    let seed = 1;
    const points = (value) => `${number(value, 1)} points`;
    const effect = dial("true difference", { min: -2, max: 3, step: 0.1, start: 1, shown: points }, paint);
    const noise = dial("noise of one run", { min: 0.1, max: 2, step: 0.1, start: 0.6, shown: points }, paint);
    const seeds = dial("seeds", { min: 2, max: 30, step: 1, start: 3 }, paint);
    const claims = dial("claims judged together", { min: 1, max: 15, step: 1, start: 5 }, paint);
    const strict = element("input", { type: "checkbox", autocomplete: "off" });
    strict.addEventListener("change", paint);
    const again = button("run seven others", () => {
      seed += 1;
      paint();
    });
    const plot = drawing(340, 172);
    const shares = element("div");
    const said = status();
    root.append(
      effect.node, noise.node, seeds.node, claims.node,
      element("p", { class: "play-row" }, element("label", {}, strict, " strict, as newer studies are"), again),
      element("div", { class: "play-narrow" }, plot.node),
      element("p", { class: "play-legend" }, "Seven studies: the difference in points with its interval. Dashed: the truth; grey: too small to matter."),
      shares, said,
    );

    function paint() {
      const truth = {
        effect: effect.value, noise: noise.value, seeds: seeds.value, claims: claims.value,
        strict: strict.checked,
      };
      const drawn = verdicts(seed, SHOWN, truth);
      plot.draw(`Seven studies: ${drawn.map(({ words }) => words).join("; ")}`, ...intervals(drawn, truth.effect));
      const all = verdicts(0, STUDIES, truth);
      const found = WORDS.map((words) => all.filter((each) => each.words === words).length / STUDIES);
      shares.replaceChildren(
        bar(WORDS.map((words, n) => [found[n], kind(words)])),
        key(WORDS.map((words, n) => [kind(words), `${words} ${percent(found[n])}`])),
      );
      const most = WORDS[found.indexOf(Math.max(...found))];
      said.textContent =
        `With ${truth.seeds} seeds, ${percent(found[0] + found[1])} of ${STUDIES} studies find that the claim holds, ` +
        `and ${percent(found[2])} cannot decide. The commonest verdict is “${most}”.`;
    }
    paint();
  });
})();
