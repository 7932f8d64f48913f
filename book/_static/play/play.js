"use strict";
// What the pieces to play with share. Classic scripts, for a browser loads no module from a file:
// each adds its computations to `play`, which need no page, and builds itself where there is one.
globalThis.play = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  /** Uniforms on [0, 1) from a seed (mulberry32). */
  function random(seed) {
    let state = seed | 0;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  const range = (n) => [...Array(n).keys()];
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  /** A number as the book writes it: a true minus, never minus nought. */
  function number(value, digits = 2) {
    if (value === Infinity) return "∞";
    const text = Math.abs(value).toFixed(digits);
    return value < 0 && +text > 0 ? `−${text}` : text;
  }
  const percent = (share, digits = 0) => `${number(100 * share, digits)} %`;

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  const element = (tag, attributes = {}, ...children) =>
    filled(document.createElement(tag), attributes, children);
  const shape = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS(SVG, tag), attributes, children);

  /** A drawing; `draw(label, ...shapes)` replaces what it shows and says. */
  function drawing(width, height) {
    const node = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const draw = (label, ...shapes) => {
      node.setAttribute("aria-label", label);
      node.replaceChildren(...shapes);
    };
    return { node, draw };
  }

  let dials = 0;
  /** A labelled slider with its value in words beside it. */
  function dial(name, { min, max, step, start, shown = String }, changed) {
    const id = `play-dial-${++dials}`;
    const input = element("input", { type: "range", id, min, max, step, autocomplete: "off" });
    const said = element("span", { "aria-hidden": "true" });
    const label = element("label", { for: id }, name);
    const show = () => {
      said.textContent = shown(+input.value);
      input.setAttribute("aria-valuetext", said.textContent);
    };
    const set = (value) => {
      input.value = value;
      show();
    };
    input.addEventListener("input", () => {
      show();
      changed();
    });
    set(start);
    return {
      node: element("div", { class: "play-dial" }, label, input, said),
      get value() {
        return +input.value;
      },
      set,
    };
  }

  function button(words, pressed) {
    const node = element("button", { type: "button" }, words);
    node.addEventListener("click", pressed);
    return node;
  }

  /** A bar of parts [share, class]; what goes beyond its end is cut off. */
  function bar(parts) {
    const pieces = parts.map(([share, kind]) =>
      element("span", { class: kind, style: `width:${100 * Math.max(0, share)}%` }),
    );
    return element("div", { class: "play-bar", "aria-hidden": "true" }, ...pieces);
  }

  /** What the colours mean, and how much of each there is: [class, words]. */
  function key(entries) {
    const items = entries.map(([kind, words]) =>
      element("li", {}, element("i", { class: kind, "aria-hidden": "true" }), ` ${words}`),
    );
    return element("ul", { class: "play-key" }, ...items);
  }

  /** The sentence that says what is to be seen; a screen reader speaks it when it changes. */
  const status = () => element("p", { class: "play-status", role: "status" });

  /** Build the piece `name` wherever the page has a place for it; what stood there steps back. */
  function start(name, build) {
    if (typeof document === "undefined") return;
    for (const place of document.querySelectorAll(`[data-play="${name}"]`)) {
      const live = element("div", { class: "play-live" });
      build(live);
      place.append(live);
      place.querySelector(".play-still").hidden = true;
    }
  }

  return {
    random, range, sum, number, percent, element, shape, drawing, dial, button, bar, key, status,
    start,
  };
})();
