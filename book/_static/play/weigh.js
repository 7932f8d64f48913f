"use strict";
// How much should a real image weigh? Copies, the share of draws, and what is left of a distance.
(() => {
  const { bar, button, dial, element, key, number, percent, random, range, start, status } = play;
  const BATCH = 30;

  /** Share β of real draws at N copies beside `times` generated images a real one, and how far the
      training distribution is from the real one where the generator is `distance` away. */
  play.weigh = (copies, times, distance) => {
    const beta = copies / (copies + times);
    return { beta, left: (1 - beta) * distance };
  };

  start("weigh", (root) => {
    let seed = 1;
    const copies = dial("copies of each real image, N", { min: 1, max: 50, step: 1, start: 10 }, paint);
    const times = dial("generated images per real one", { min: 0, max: 50, step: 1, start: 20 }, paint);
    const far = dial("distance D of the generator", { min: 0, max: 1, step: 0.05, start: 0.5, shown: number }, paint);
    const again = button("draw another batch", () => {
      seed += 1;
      paint();
    });
    const view = element("div");
    const said = status();
    root.append(copies.node, times.node, far.node, view, element("p", {}, again), said);

    function paint() {
      const { beta, left } = play.weigh(copies.value, times.value, far.value);
      const parts = [
        [beta, "play-real", `real ${percent(beta, 1)}`],
        [1 - beta - left, "play-generated", `generated, as real ones could be ${percent(1 - beta - left, 1)}`],
        [left, "play-wrong", `generated, out of place ${percent(left, 1)}`],
      ];
      const draw = random(seed);
      const batch = range(BATCH).map(() => {
        const at = draw();
        return at < beta ? "play-real" : at < 1 - left ? "play-generated" : "play-wrong";
      });
      const real = batch.filter((kind) => kind === "play-real").length;
      view.replaceChildren(
        bar(parts),
        key(parts.map(([, kind, words]) => [kind, words])),
        element(
          "div",
          { class: "play-batch", role: "img", "aria-label": `A batch of ${BATCH}: ${real} real` },
          ...batch.map((kind) => element("i", { class: kind })),
        ),
      );
      said.textContent =
        `β = N / (N + generated) = ${number(beta, 3)}; this batch of ${BATCH} has ${real} real. ` +
        `Of the distance D is left (1 − β) × D = ${number(1 - beta, 3)} × ${number(far.value)} = ` +
        `${number(left, 3)}, the red part of the bar.`;
    }
    paint();
  });
})();
