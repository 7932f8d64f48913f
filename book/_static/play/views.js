"use strict";
// What is left of your picture? Two views of it, drawn by the rules that training draws by.
(() => {
  const { button, dial, element, number, percent, random, range, start, status, sum } = play;
  const TRIES = 10;
  const PAIRS = 2000;
  const RATIO = [3 / 4, 4 / 3];
  const LUMA = [0.299, 0.587, 0.114];

  const between = (low, high, uniform) => low + (high - low) * uniform;
  const clamp = (value) => Math.min(1, Math.max(0, value));

  /** Two settings of the paper's code; their hue turns by a quarter of the strength. */
  const policies = {
    symmetric: { low: 0.08, strength: 0.8, often: 0.8 },
    symmetric_adainf: { low: 0.2, strength: 0.4, often: 0.4 },
  };

  /** A view's box and jitter from 31 uniforms, laid out as the library lays them out: ten tries of
      an area and an aspect, two places, then the jitter. Torchvision's RandomResizedCrop: the first
      try that fits, else the central crop; areas from `low` of the picture up to all of it. */
  function view(u, height, width, { low, strength, often }) {
    const [top, left, boxHeight, boxWidth] = box(u, height, width, low);
    const jittered = u[22] < often;
    const factor = (uniform) => (jittered ? between(Math.max(0, 1 - strength), 1 + strength, uniform) : 1);
    const order = range(4).sort((a, b) => u[27 + a] - u[27 + b]);
    return {
      top, left, order,
      height: boxHeight,
      width: boxWidth,
      factors: [factor(u[23]), factor(u[24]), factor(u[25])],
      hue: jittered ? between(-strength / 4, strength / 4, u[26]) : 0,
    };
  }

  function box(u, height, width, low) {
    for (const trial of range(TRIES)) {
      const area = height * width * between(low, 1, u[trial]);
      const ratio = Math.exp(between(Math.log(RATIO[0]), Math.log(RATIO[1]), u[TRIES + trial]));
      const [w, h] = [Math.round(Math.sqrt(area * ratio)), Math.round(Math.sqrt(area / ratio))];
      if (w > 0 && w <= width && h > 0 && h <= height) {
        return [Math.floor(u[20] * (height - h + 1)), Math.floor(u[21] * (width - w + 1)), h, w];
      }
    }
    const shape = Math.min(Math.max(width / height, RATIO[0]), RATIO[1]);
    const w = Math.min(width, Math.round(height * shape));
    const h = Math.min(height, Math.round(width / shape));
    return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
  }

  /** Pixels that two boxes share. */
  function shared(a, b) {
    const along = (from, size) =>
      Math.max(0, Math.min(a[from] + a[size], b[from] + b[size]) - Math.max(a[from], b[from]));
    return along("top", "height") * along("left", "width");
  }

  /** Views from a seed, and the share of pairs of them without a common pixel. */
  function views(seed, count, size, policy) {
    const draw = random(seed);
    return range(count).map(() => view(range(31).map(draw), size, size, policy));
  }
  function disjoint(seed, pairs, size, policy) {
    const drawn = views(seed, 2 * pairs, size, policy);
    return sum(range(pairs).map((n) => +(shared(drawn[2 * n], drawn[2 * n + 1]) === 0))) / pairs;
  }

  /** Jitter of an image, three planes of levels in [0, 1], in place and in the view's own order:
      brightness, contrast and saturation blend with black, with the mean grey, with grey. */
  function jitter(planes, { order, factors, hue }) {
    const grey = (at) => LUMA[0] * planes[0][at] + LUMA[1] * planes[1][at] + LUMA[2] * planes[2][at];
    const pixels = range(planes[0].length);
    for (const step of order) {
      if (step === 3) pixels.forEach((at) => turn(planes, at, hue));
      else {
        const mean = step === 1 ? sum(pixels.map(grey)) / pixels.length : 0;
        for (const at of pixels) {
          const aim = step === 2 ? grey(at) : mean;
          for (const plane of planes) plane[at] = clamp(aim + factors[step] * (plane[at] - aim));
        }
      }
    }
  }

  /** A pixel's hue turned by a share of the colour circle. */
  function turn([red, green, blue], at, turns) {
    const [r, g, b] = [red[at], green[at], blue[at]];
    const [least, most] = [Math.min(r, g, b), Math.max(r, g, b)];
    if (most === least) return;
    const side = (b + r - g - least) / (most - least) + 1;
    let place = (b < r ? -side : side) + 6 * turns; // in sixths of a turn, from green
    place -= 6 * Math.round(place / 6);
    const level = (shift) => clamp(Math.abs(place + shift) - 1);
    red[at] = least + (most - least) * level(-1);
    green[at] = least + (most - least) * (1 - level(0));
    blue[at] = least + (most - least) * level(1);
  }

  play.views = { policies, view, views, shared, disjoint, jitter };

  // --- on the page ---

  const SIZE = 96;
  const COLOURS = ["#0072B2", "#E69F00"];

  function canvas(label, size = SIZE) {
    const node = element("canvas", { width: size, height: size, role: "img", "aria-label": label });
    return { node, paper: node.getContext("2d", { willReadFrequently: true }) };
  }

  function scene(paper) {
    const boxes = [
      ["#9fd0f5", 0, 0, SIZE, 54], ["#5b9a58", 0, 54, SIZE, 42], ["#ffd54a", 74, 8, 14, 14],
      ["#d23333", 26, 56, 48, 11], ["#d23333", 34, 46, 28, 11], ["#cfe8ff", 37, 48, 10, 7],
      ["#cfe8ff", 49, 48, 10, 7], ["#222222", 32, 62, 10, 10], ["#222222", 58, 62, 10, 10],
    ];
    for (const [colour, ...box] of boxes) {
      paper.fillStyle = colour;
      paper.fillRect(...box);
    }
  }

  start("views", (root) => {
    let seed = 3;
    const original = canvas("the picture, small");
    scene(original.paper);
    const low = dial("smallest crop, share of the picture", { min: 0.02, max: 1, step: 0.01, start: 0.08, shown: percent }, paint);
    const strength = dial("strength of colour jitter", { min: 0, max: 1, step: 0.05, start: 0.8, shown: number }, paint);
    const often = dial("share of views that are jittered", { min: 0, max: 1, step: 0.05, start: 0.8, shown: percent }, paint);
    const dials = { low, strength, often };
    const presets = Object.entries({
      "the baseline’s": policies.symmetric,
      "AdaInf’s": policies.symmetric_adainf,
    }).map(([words, policy]) =>
      button(words, () => {
        for (const [name, value] of Object.entries(policy)) dials[name].set(value);
        paint();
      }),
    );
    const again = button("draw two others", () => {
      seed += 1;
      paint();
    });
    const file = element("input", { type: "file", accept: "image/*" });
    file.addEventListener("change", () => load(file.files[0]));
    const whole = canvas("your picture with the boxes of two crops", 4 * SIZE);
    const shown = ["first view", "second view"].map((label) => canvas(label));
    const pictures = [whole, ...shown].map(({ node }, place) =>
      element("figure", {}, node, element("figcaption", {}, ["the picture", "blue box", "dashed orange box"][place])),
    );
    const said = status();
    root.append(
      low.node, strength.node, often.node,
      element("p", { class: "play-row" }, "settings: ", ...presets, again),
      element("div", { class: "play-pictures" }, ...pictures),
      element("p", {}, element("label", {}, "your own picture, which stays in this browser: ", file)),
      said,
    );

    function load(chosen) {
      if (!chosen) return;
      const picture = new Image();
      picture.onload = () => {
        const side = Math.min(picture.width, picture.height);
        const corner = [(picture.width - side) / 2, (picture.height - side) / 2];
        original.paper.drawImage(picture, ...corner, side, side, 0, 0, SIZE, SIZE);
        URL.revokeObjectURL(picture.src);
        paint();
      };
      picture.onerror = () => (said.textContent = "This file is no picture that the browser can show.");
      picture.src = URL.createObjectURL(chosen);
    }

    function show({ paper }, drawn) {
      paper.drawImage(original.node, drawn.left, drawn.top, drawn.width, drawn.height, 0, 0, SIZE, SIZE);
      const image = paper.getImageData(0, 0, SIZE, SIZE);
      const planes = range(3).map((plane) =>
        Float32Array.from({ length: SIZE * SIZE }, (_, at) => image.data[4 * at + plane] / 255),
      );
      jitter(planes, drawn);
      planes.forEach((levels, plane) => levels.forEach((level, at) => (image.data[4 * at + plane] = 255 * level)));
      paper.putImageData(image, 0, 0);
    }

    function paint() {
      const policy = { low: low.value, strength: strength.value, often: often.value };
      const pair = views(seed, 2, SIZE, policy);
      whole.paper.drawImage(original.node, 0, 0, 4 * SIZE, 4 * SIZE);
      pair.forEach((drawn, place) => {
        show(shown[place], drawn);
        whole.paper.lineWidth = 7;
        whole.paper.strokeStyle = COLOURS[place];
        whole.paper.setLineDash(place ? [18, 10] : []);
        whole.paper.strokeRect(4 * drawn.left, 4 * drawn.top, 4 * drawn.width, 4 * drawn.height);
      });
      const [first, second] = pair.map((drawn) => percent((drawn.width * drawn.height) / SIZE ** 2));
      const both = percent(shared(...pair) / SIZE ** 2);
      said.textContent =
        `The first view shows ${first} of the picture, the second ${second}, both of them ${both}. ` +
        `Of ${PAIRS} such pairs ${percent(disjoint(1, PAIRS, SIZE, policy), 1)} share no pixel at all.`;
    }
    paint();
  });
})();
