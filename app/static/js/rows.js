/* Rows of a table: a click anywhere opens, j and k walk. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const drawer = $("#drawer");
  const rowLinks = () => $$("tr[data-row] a[data-row-link]").filter((link) => link.offsetParent !== null);
  const step = (by) => {
    const links = rowLinks();
    if (!links.length) return;
    const here = drawer?.open
      ? links.findIndex((link) => link.closest("tr").getAttribute("aria-current") === "true")
      : links.indexOf(document.activeElement);
    const next = links[Math.min(Math.max(here + by, 0), links.length - 1)];
    if (drawer?.open) {
      if (next.matches("[data-drawer]") && links.indexOf(next) !== here) companion.openDrawer(next.getAttribute("href"));
      next.closest("tr").scrollIntoView({ block: "nearest" });
      return;
    }
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    let link = event.target.closest("a[data-drawer]");
    if (!link && !event.target.closest("a, button, input, select, label, summary")) {
      const row = event.target.closest("tr[data-row]");
      if (row && !String(getSelection())) {
        link = $("a[data-row-link]", row);
        if (link && !link.matches("[data-drawer]")) { link.click(); return; }
      }
    }
    if (link && drawer) {
      event.preventDefault();
      companion.openDrawer(link.getAttribute("href"));
    }
  });
  companion.step = step;
})();
