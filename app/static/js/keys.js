/* Keys (the list: templates/pieces/help.html); popovers shut by Esc or a click elsewhere. */
(() => {
  "use strict";
  const { $, $$, isTyping } = companion;
  const help = $("#help");

  document.addEventListener("click", (event) => {
    $$("details[data-popover][open]").forEach((box) => { if (!box.contains(event.target)) box.open = false; });
    if (event.target.closest("[data-help]")) help?.showModal();
    else if (event.target === help) help.close();
  });

  const visible = (element) => element.checkVisibility();
  const follow = (selector) => $$(selector).find(visible)?.click();
  const enter = (selector) => {
    const field = $$(selector).find(visible);
    field?.focus();
    field?.select?.();
  };
  let waiting = 0;
  const actions = {
    j: () => companion.step(1),
    k: () => companion.step(-1),
    x: () => companion.select(),
    "/": () => enter("[data-search]"),
    f: () => enter('main .filters :is(input:not([type="hidden"]), select), main form[role="search"] :is(input:not([type="hidden"]), select)'),
    "?": () => help?.showModal(),
    n: () => follow('.pager a[rel="next"]'),
    p: () => follow('.pager a[rel="prev"]'),
    g: () => { waiting = Date.now(); },
  };
  const inDrawer = new Set(["j", "k", "?"]);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = isTyping(event.target);
    if (event.key === "Escape") {
      const box = $$("details[data-popover][open]").at(-1);
      if (box) { box.open = false; $("summary", box)?.focus(); event.preventDefault(); }
      else if (typing && !event.target.closest("dialog")) event.target.blur();
      return;
    }
    const over = $$("dialog[open]").at(-1);
    if (typing || (over && over.id !== "drawer")) return;
    if (!over && Date.now() - waiting < 1200) {
      waiting = 0;
      const link = $(`a[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const act = actions[event.key];
    if (!act || (over && !inDrawer.has(event.key))) return;
    event.preventDefault();
    act();
  });
})();
