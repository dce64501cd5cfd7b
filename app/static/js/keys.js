/* Keys; popovers: one open at a time, shut by Esc or a click elsewhere. */
(() => {
  "use strict";
  const { $, $$, step } = companion;
  const drawer = $("#drawer");
  document.addEventListener("click", (event) => {
    $$("details[data-popover][open]").forEach((box) => { if (!box.contains(event.target)) box.open = false; });
  });

  const goTo = { h: "/", c: "/cdr", s: "/suspense", d: "/dialplan" };
  let waiting = false;
  const follow = (selector) => $(selector)?.click();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.key === "Escape") {
      const box = $("details[data-popover][open]");
      if (box) { box.open = false; $("summary", box)?.focus(); }
      else if (typing) typing.blur();
      return;
    }
    if (typing || $("#help")?.open || $("dialog.confirm[open]")) return;
    if (waiting && !drawer?.open) {
      waiting = false;
      const link = $$("a[href]").find((a) => a.getAttribute("href") === goTo[event.key]);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const act = {
      j: () => step(1),
      k: () => step(-1),
      "/": () => { const field = $("[data-search]"); field?.focus(); field?.select(); },
      "?": () => $("#help")?.showModal(),
      n: () => follow('.pager a[rel="next"]'),
      p: () => follow('.pager a[rel="prev"]'),
      g: () => { waiting = true; setTimeout(() => { waiting = false; }, 1200); },
    }[event.key];
    if (!act || (drawer?.open && !"jk?".includes(event.key))) return;
    event.preventDefault();
    act();
  });
})();
