/* Toasts: said politely, kept while one looks at them, some with a way back. */
(() => {
  "use strict";
  const { $, $$, csrf } = companion;
  const SHORT = 6000;
  const LONG = 20000;

  const leave = (line) => {
    line.classList.add("is-leaving");
    setTimeout(() => line.remove(), 300);
  };
  const keep = (line) => {
    const time = $("form", line) ? LONG : SHORT;
    let timer = 0;
    const pause = () => clearTimeout(timer);
    const go = () => {
      pause();
      timer = setTimeout(() => { if (document.hidden) go(); else leave(line); }, time);
    };
    line.addEventListener("mouseenter", pause);
    line.addEventListener("focusin", pause);
    line.addEventListener("mouseleave", () => { if (!line.contains(document.activeElement)) go(); });
    line.addEventListener("focusout", () => { if (!line.matches(":hover")) go(); });
    $("[data-close]", line)?.addEventListener("click", () => leave(line));
    go();
  };
  // A live region says what comes into it, not what it was loaded with.
  const say = (line) => {
    $("#toasts")?.append(line);
    raise();
    keep(line);
  };
  // Above an open dialog, which makes the rest of the page inert.
  const raise = () => {
    const over = $$("dialog[open]").at(-1) ?? document.body;
    const box = $(".toasts");
    if (box && box.parentElement !== over) over.append(box);
  };
  companion.raiseToasts = raise;

  companion.toast = (text, tone = "", undo = null, label = "") => {
    const line = $("#toast")?.content.firstElementChild?.cloneNode(true);
    if (!line) return;
    if (tone) line.classList.add(`is-${tone === true ? "bad" : tone}`);
    $("p", line).textContent = text;
    const form = $("form", line);
    if (undo) {
      form.action = undo;
      $("input", form).value = csrf();
      if (label) $("button", form).textContent = label;
    } else form.remove();
    say(line);
  };
  document.addEventListener("companion:toast", (event) => {
    (event.detail.toasts ?? []).forEach((one) => companion.toast(one.text, one.tone, one.undo, one.label));
  });

  const loaded = $$("#toasts [data-toast]");
  loaded.forEach((line) => line.remove());
  setTimeout(() => loaded.forEach(say), 50);
})();
