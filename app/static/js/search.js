/* The search box as a combobox (WAI-ARIA, list autocomplete by hand); without this file it is a
   form. The options come by htmx; focus stays in the field. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const form = $("form[data-global-search]");
  if (!form) return;
  const field = $("input[data-search]", form);
  const box = $("#search-options");
  const said = $("[data-search-said]", form);
  const options = () => $$('[role="option"]', box);

  Object.entries({ role: "combobox", "aria-controls": box.id, "aria-expanded": "false", "aria-autocomplete": "list" })
    .forEach(([name, value]) => field.setAttribute(name, value));

  const choose = (option) => {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    if (!option) { field.removeAttribute("aria-activedescendant"); return; }
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const show = (open) => {
    box.hidden = !open;
    field.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  };
  const empty = () => { box.replaceChildren(); said.textContent = ""; show(false); };

  field.addEventListener("htmx:beforeRequest", (event) => {
    if (field.value.trim().length < 2) event.preventDefault();
  });
  field.addEventListener("input", () => { if (field.value.trim().length < 2) empty(); else choose(null); });
  box.addEventListener("htmx:afterSwap", () => {
    if (field.value.trim().length < 2) { empty(); return; }
    said.textContent = $("[data-said]", box)?.textContent ?? "";
    if (document.activeElement === field) show(true);
  });

  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = options();
    const here = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && all.length) {
      event.preventDefault();
      if (box.hidden) show(true);
      const by = event.key === "ArrowDown" ? 1 : -1;
      const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by;
      choose(all[next] ?? null); // past the ends is the field itself
    } else if (event.key === "Enter" && here >= 0) {
      event.preventDefault();
      all[here].click();
    } else if (event.key === "Escape" && !box.hidden) {
      event.preventDefault();
      show(false);
    } else if (event.key === "Escape" && field.value) {
      event.preventDefault();
      field.value = "";
      empty();
    }
  });
  field.addEventListener("focus", () => { if (options().length) show(true); });
  field.addEventListener("blur", () => show(false));
  // The field keeps the focus until the click on an option has happened.
  box.addEventListener("mousedown", (event) => event.preventDefault());

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
