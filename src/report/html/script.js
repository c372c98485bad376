"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId("list"), shown = byId("shown"), controls = byId("controls");
  const cards = Array.from(list.children, (card, index) => ({
    card,
    index,
    text: card.querySelector("summary").textContent.toLowerCase(),
    name: card.querySelector("h3").textContent,
    tags: Array.from(card.querySelectorAll("summary .tag"), (tag) => tag.textContent),
    verdict: card.classList[1],
    host: card.dataset.host,
    took: Number(card.dataset.took),
    at: Number(card.dataset.at),
  }));
  const orders = {
    "": ["the worst first", (a, b) => a.index - b.index],
    slow: ["the slowest first", (a, b) => b.took - a.took || a.index - b.index],
    name: ["by name", (a, b) => a.name.localeCompare(b.name) || a.index - b.index],
    time: ["as they began", (a, b) => a.at - b.at || a.index - b.index],
  };
  const value = (id) => byId(id)?.value ?? "";
  let order = "";

  const show = () => {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const host = value("host"), tag = value("tag");
    const verdicts = new Set(Array.from(controls.querySelectorAll("input:checked"), (box) => box.value));
    if (value("order") !== order) {
      order = value("order");
      cards.sort(orders[order][1]);
      list.append(...cards.map(({ card }) => card));
    }
    let count = 0;
    for (const { card, text, tags, verdict, host: its } of cards) {
      const fits = verdicts.has(verdict) && (!host || its === host) && (!tag || tags.includes(tag)) && words.every((word) => text.includes(word));
      card.hidden = !fits;
      count += fits;
    }
    const of = count === cards.length ? "" : ` of ${cards.length}`;
    shown.textContent = `${count}${of} ${cards.length === 1 ? "test" : "tests"}, ${orders[order][0]}`;
    byId("nothing").hidden = count > 0 || cards.length === 0;
  };

  if (cards.length > 1) controls.hidden = false;
  controls.addEventListener("input", show);
  controls.addEventListener("submit", (event) => event.preventDefault());
  byId("open").addEventListener("click", () => cards.forEach(({ card }) => (card.open ||= !card.hidden)));
  byId("close").addEventListener("click", () => cards.forEach(({ card }) => (card.open = false)));
  // Some browsers bring back what was typed before.
  show();

  const follow = () => {
    const target = location.hash.length > 1 && byId(location.hash.slice(1));
    if (target && target.matches("details")) target.open = true;
  };
  addEventListener("hashchange", follow);
  follow();

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      let done = true;
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }

  for (const audio of document.querySelectorAll("figure audio")) {
    const figure = audio.closest("figure");
    const lines = figure.querySelectorAll(".now");
    audio.addEventListener("timeupdate", () => {
      for (const line of lines) {
        const at = `${(audio.currentTime / audio.duration) * 100}%`;
        line.classList.add("on");
        line.setAttribute("x1", at);
        line.setAttribute("x2", at);
      }
    });
    // A marked passage is played from a moment before it.
    for (const place of figure.querySelectorAll(".seek")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "seek";
      button.textContent = `▶ ${place.textContent}`;
      button.setAttribute("aria-label", `Play ${place.textContent}`);
      button.addEventListener("click", () => {
        audio.currentTime = Math.max(0, Number(place.dataset.from) - 0.3);
        audio.play();
      });
      place.replaceWith(button);
    }
  }
})();
