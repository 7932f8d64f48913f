"use strict";
// Predict first: whoever commits to an option sees the answer unfold.
(() => {
  const { button, element } = play;
  if (typeof document === "undefined") return;

  for (const place of document.querySelectorAll(".play-predict")) {
    const answer = place.querySelector("details");
    const noted = element("p", { class: "play-noted", role: "status" });
    const buttons = [...place.querySelectorAll(".play-options li")].map((item) => {
      const choose = button("", () => {
        buttons.forEach((other) => other.setAttribute("aria-pressed", other === choose));
        noted.textContent = `You said: ${choose.textContent.trim()}. The answer stands below.`;
        answer.open = true;
      });
      const words = item.querySelector("p") ?? item;
      choose.append(...words.childNodes);
      choose.setAttribute("aria-pressed", false);
      item.replaceChildren(choose);
      return choose;
    });
    answer.before(noted);
    addEventListener("beforeprint", () => (answer.open = true));
  }
})();
