/* Filter bars: what is chosen with the pointer applies at once; the address stays short.
   After forms.js, which leaves out empty fields and lets in all others. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const ours = (element) => element.closest?.("form[data-filters]");

  // With arrow keys one passes choices that one does not mean: there Enter applies.
  let pointed = null;
  document.addEventListener("pointerdown", (event) => { pointed = event.target.closest?.("select"); });
  document.addEventListener("keydown", () => { pointed = null; });
  document.addEventListener("change", (event) => {
    const select = event.target;
    const inSheet = select.closest?.("[popover]")?.matches(":popover-open");
    if (select === pointed && ours(select) && !inSheet) ours(select).requestSubmit();
  });

  // Given ends win over a preset, and one's own clock need not be named without them.
  document.addEventListener("submit", (event) => {
    const form = ours(event.target);
    if (!form) return;
    const given = ["since", "until"].some((name) => form.elements[name]?.value);
    const zone = form.elements.zone;
    if (given && form.elements.range) form.elements.range.disabled = true;
    if (!given && zone && zone.value === zone.dataset.own) zone.disabled = true;
  });

  // The sheet of narrow pages has no place on wide ones.
  matchMedia("(min-width: 768px)").addEventListener("change", () => {
    $$("form[data-filters] [popover]:popover-open").forEach((sheet) => sheet.hidePopover());
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("form[data-filters] [popover]") && event.newState === "open") {
      $("input, select", event.target)?.focus();
    }
  }, true);
})();
