/* Rows of a table: a click anywhere opens, j and k walk, x selects. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const drawer = $("#drawer");
  const rowLinks = () =>
    $$("main tr[data-row] a[data-row-link]").filter((link) => link.offsetParent !== null);

  companion.step = (by) => {
    const links = rowLinks();
    if (!links.length) return;
    const here = drawer?.open
      ? links.findIndex((link) => link.closest("tr").getAttribute("aria-current") === "true")
      : links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = links[Math.min(Math.max(here + by, 0), links.length - 1)];
    if (!drawer?.open) next.focus();
    else if (next.matches("[data-drawer]") && links.indexOf(next) !== here) {
      companion.openDrawer(next.getAttribute("href"));
    }
    next.closest("tr").scrollIntoView({ block: "nearest" });
  };
  companion.select = () => {
    const row = document.activeElement?.closest("tr[data-row]");
    if (row) $('input[type="checkbox"]', row)?.click();
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (event.target.closest("a, button, input, select, label, summary")) return;
    const row = event.target.closest("tr[data-row]");
    // Text that was just marked is to be copied.
    if (row && !String(getSelection())) $("a[data-row-link]", row)?.click();
  });
})();
