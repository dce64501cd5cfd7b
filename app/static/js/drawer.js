/* Drawer and dialog: pages that come over this one. Each has the address of its page, so that
   "back" closes, "forward" opens again, and a copied address opens the page itself.
   <a data-drawer href> and <a data-dialog href>. history.state.layers says what lies over. */
(() => {
  "use strict";
  const { $, $$, explain, toast, word, busy } = companion;
  const boxes = { drawer: $("#drawer"), dialog: $("#dialog") };
  if (!boxes.drawer || !boxes.dialog) { companion.openDrawer = () => {}; return; }
  const shown = { drawer: null, dialog: null };
  const openers = { drawer: null, dialog: null };
  const layers = () => history.state?.layers ?? [];
  const linkTo = (kind, address) =>
    $$(`a[data-${kind}]`).find((link) => link.getAttribute("href") === address) ?? null;

  const mark = () => {
    const row = shown.drawer && linkTo("drawer", shown.drawer)?.closest("tr[data-row]");
    $$('tr[aria-current="true"]').forEach((old) => { if (old !== row) old.removeAttribute("aria-current"); });
    row?.setAttribute("aria-current", "true");
  };
  document.addEventListener("htmx:afterSettle", mark);

  const giveUp = (kind) => {
    if (layers().at(-1)?.kind === kind) history.back();
    else shut(kind);
  };
  const show = async (kind, address) => {
    const box = boxes[kind];
    const content = $(".drawer-content", box);
    openers[kind] = linkTo(kind, address) ?? openers[kind] ?? document.activeElement;
    shown[kind] = address;
    mark();
    content.setAttribute("aria-busy", "true");
    busy(1);
    try {
      const answer = await fetch(address, {
        headers: { "HX-Request": "true", "X-Layer": kind }, credentials: "same-origin",
      });
      if (answer.headers.get("HX-Redirect")) { location.assign(answer.headers.get("HX-Redirect")); return; }
      const body = await answer.text();
      // Another row was chosen, or it was closed, while this one came.
      if (shown[kind] !== address) return;
      if (!answer.ok) { toast(explain(body) || word("not-opened"), "bad"); giveUp(kind); return; }
      content.innerHTML = body;
      window.htmx?.process(content);
      companion.away(false);
    } catch {
      if (shown[kind] === address) { toast(word("away"), "bad"); companion.away(true); giveUp(kind); }
      return;
    } finally {
      content.removeAttribute("aria-busy");
      busy(-1);
    }
    if (!box.open) box.showModal();
    ($("[autofocus]:not(h2)", content) ?? $(`#${kind}-title`, box))?.focus();
    box.scrollTop = 0;
    companion.raiseToasts();
    document.dispatchEvent(new CustomEvent("companion:opened", { detail: { content } }));
  };
  const shut = (kind) => {
    const address = shown[kind];
    if (address === null) return;
    shown[kind] = null;
    if (boxes[kind].open) boxes[kind].close();
    $(".drawer-content", boxes[kind]).replaceChildren();
    companion.raiseToasts();
    mark();
    // A list that renewed itself meanwhile has another link to the same address.
    const back = openers[kind]?.isConnected ? openers[kind] : linkTo(kind, address);
    back?.focus({ preventScroll: true });
    openers[kind] = null;
  };
  const follow = () => {
    const wanted = Object.fromEntries(layers().map((layer) => [layer.kind, layer.address]));
    for (const kind of ["dialog", "drawer"]) if (!wanted[kind]) shut(kind);
    for (const kind of ["drawer", "dialog"]) {
      if (wanted[kind] && wanted[kind] !== shown[kind]) show(kind, wanted[kind]);
    }
  };
  const open = (kind, address) => {
    const below = layers().filter((layer) => layer.kind !== kind);
    const state = { layers: [...(kind === "dialog" ? below : []), { kind, address }] };
    if (layers().some((layer) => layer.kind === kind)) history.replaceState(state, "", address);
    else history.pushState(state, "", address);
    follow();
  };
  companion.openDrawer = (address) => open("drawer", address);
  companion.openDialog = (address) => open("dialog", address);

  for (const [kind, box] of Object.entries(boxes)) {
    // Closed by Esc, the button or a click outside: the address goes back too.
    box.addEventListener("close", () => {
      if (shown[kind] === null) return;
      if (layers().at(-1)?.kind === kind) history.back();
      else shut(kind);
    });
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  }
  window.addEventListener("popstate", follow);
  // Loaded again while something lay over: the address is that page's own by now.
  if (layers().length) history.replaceState(null, "", location.href);

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a[data-drawer], a[data-dialog]");
    if (!link) return;
    event.preventDefault();
    const kind = link.matches("[data-dialog]") ? "dialog" : "drawer";
    openers[kind] = link;
    open(kind, link.getAttribute("href"));
  });
})();
