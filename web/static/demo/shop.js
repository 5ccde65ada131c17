/* The shop's own script: the buttons that open the chat, and the help centre's search. */
"use strict";

// `Deskhand` may still be loading: what is pushed before is done when it arrives.
const opensChat = document.querySelectorAll("[data-open-chat]");
for (const button of opensChat) {
  button.hidden = false;
  button.addEventListener("click", () => (window.Deskhand ||= []).push(["open"]));
}
document.documentElement.classList.add("scripted");

const field = document.getElementById("find");
if (field) {
  const found = document.getElementById("found");
  const entries = [...document.querySelectorAll(".topics li")];
  const search = () => {
    const words = field.value.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
    for (const section of document.querySelectorAll(".topics section")) {
      section.hidden = !section.querySelector("li:not([hidden])");
    }
    const left = entries.filter((entry) => !entry.hidden).length;
    found.textContent = !words.length ? "" : left ? `${left} ${left === 1 ? "article" : "articles"}`
      : "Nothing found by these words. Try the chat: it understands whole questions.";
  };
  field.closest("search").hidden = false;
  field.addEventListener("input", search);
  search();
}
