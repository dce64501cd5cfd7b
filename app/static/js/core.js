/* What every other file here builds on. No framework; every page works without script.
   Texts come from the page (templates/pieces/words.html), so that they can be translated. */
const companion = (() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const csrf = () => $('meta[name="csrf-token"]')?.content ?? "";
  const word = (name) =>
    $("#words")?.content.querySelector(`[data-word="${name}"]`)?.textContent ?? "";
  // The sentence in an error page, or in the line that htmx gets.
  const explain = (body) => {
    const page = new DOMParser().parseFromString(body, "text/html");
    return ($("[data-error]", page)?.textContent ?? "").replace(/\s+/g, " ").trim();
  };
  const isTyping = (element) =>
    element.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
  return { $, $$, csrf, word, explain, isTyping };
})();
