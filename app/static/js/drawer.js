/* Drawers have addresses: opening pushes one, "back" closes. */
(() => {
  "use strict";
  const { $, $$, explain, toast, word } = companion;
  const drawer = $("#drawer");
  const content = $("#drawer-content");
  let opener = null;

  const mark = (link) => {
    $$('tr[aria-current="true"]').forEach((row) => row.removeAttribute("aria-current"));
    link?.closest("tr[data-row]")?.setAttribute("aria-current", "true");
  };
  document.addEventListener("htmx:afterSettle", () => {
    if (drawer?.open && history.state?.drawer) mark(linkTo(history.state.drawer));
  });
  const linkTo = (address) =>
    $$("a[data-drawer]").find((link) => link.getAttribute("href") === address) ?? null;

  const show = async (address) => {
    opener = linkTo(address) ?? opener;
    mark(linkTo(address));
    content.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (answer.headers.get("HX-Redirect")) { location.assign(answer.headers.get("HX-Redirect")); return; }
      const body = await answer.text();
      if (!answer.ok) { toast(explain(body) || word("not-opened"), true); giveUp(); return; }
      content.innerHTML = body;
      window.htmx?.process(content);
    } catch {
      toast(word("away"), true);
      giveUp();
      return;
    } finally {
      content.removeAttribute("aria-busy");
    }
    if (!drawer.open) drawer.showModal();
    $("#drawer-title")?.focus();
    drawer.scrollTop = 0;
  };
  const shut = () => {
    if (drawer?.open) drawer.close();
    content?.replaceChildren();
    mark(null);
    opener?.focus({ preventScroll: true });
    opener = null;
  };
  const giveUp = () => { if (history.state?.drawer) history.back(); else shut(); };
  const open = (address) => {
    const state = { drawer: address };
    if (history.state?.drawer) history.replaceState(state, "", address);
    else history.pushState(state, "", address);
    show(address);
  };
  if (drawer) {
    drawer.addEventListener("close", () => {
      // Closed by Esc, the button or a click outside: the address goes back too.
      if (history.state?.drawer) history.back();
      else shut();
    });
    drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
    window.addEventListener("popstate", (event) => {
      if (event.state?.drawer) show(event.state.drawer);
      else shut();
    });
    // Loaded again while a drawer was open: the address is the thing's own page by now.
    if (history.state?.drawer) history.replaceState(null, "", location.href);
  }
  companion.openDrawer = open;
})();
