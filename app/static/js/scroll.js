/* A box that scrolls sideways can be reached, and scrolled, by keyboard; its caption names it.
   One whose table fits need not scroll: the table's head sticks to the page instead. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const look = () => $$(".table-box, .table-scroll").forEach((box) => {
    const table = $("table", box);
    const scrolls = Boolean(table) && table.offsetWidth > box.clientWidth + 1;
    box.classList.toggle("fits", !scrolls);
    if (box.hasAttribute("tabindex") && !box.dataset.scrolls) return;
    if (scrolls === Boolean(box.dataset.scrolls)) return;
    if (scrolls) {
      box.dataset.scrolls = "1";
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", $("caption", box)?.textContent ?? $("h1")?.textContent ?? "");
    } else {
      for (const name of ["data-scrolls", "tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  });
  look();
  window.addEventListener("resize", look);
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("companion:opened", look);
})();
