"use strict";
// Search: entries that do not contain every word are hidden, and groups without entries.
(() => {
  const box = document.getElementById("search");
  const entries = [...document.querySelectorAll("[data-entry]")];
  const groups = [...document.querySelectorAll("[data-group]")].reverse();
  const texts = entries.map(entry => entry.textContent.toLowerCase());
  const found = document.getElementById("found");
  let waiting = 0;

  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    entries.forEach((entry, index) => {
      entry.hidden = !words.every(word => texts[index].includes(word));
      count += entry.hidden ? 0 : 1;
    });
    groups.forEach(group => { group.hidden = !group.querySelector("[data-entry]:not([hidden])"); });
    clearTimeout(waiting);
    // Said when the reader pauses, not after each letter.
    waiting = setTimeout(() => {
      found.textContent = !words.length ? "" : count ? `${count} found` : "Nothing found";
    }, 300);
  };

  box.addEventListener("input", filter);
  box.addEventListener("keydown", event => {
    if (event.key === "Escape" && box.value) {
      box.value = "";
      filter();
      event.preventDefault();
    }
  });
  box.closest(".find").hidden = false;
  if (box.value) filter();
})();
