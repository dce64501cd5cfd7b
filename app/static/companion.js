/* OpenSIPS Companion: what a page does beyond links and forms. No framework; every page works
   without this file. Drawers have addresses: opening pushes one, "back" closes. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const csrf = () => $('meta[name="csrf-token"]')?.content ?? "";

  // ---- toasts -------------------------------------------------------------------------------
  const leave = (toast) => {
    toast.classList.add("is-leaving");
    setTimeout(() => toast.remove(), 300);
  };
  const expire = (toast) => {
    let timer = setTimeout(() => leave(toast), 6000);
    toast.addEventListener("mouseenter", () => clearTimeout(timer));
    toast.addEventListener("mouseleave", () => { timer = setTimeout(() => leave(toast), 2000); });
    toast.addEventListener("click", () => leave(toast));
  };
  const toast = (text, bad = false) => {
    const line = document.createElement("div");
    line.className = bad ? "toast-line is-bad" : "toast-line";
    line.textContent = text;
    $("#toasts")?.append(line);
    expire(line);
  };
  $$("[data-toast]").forEach(expire);

  // ---- htmx: CSRF with every request, errors as toasts --------------------------------------
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrf();
  });
  const explain = (body) => {
    const page = new DOMParser().parseFromString(body, "text/html");
    return ($("[data-error]", page)?.textContent ?? "").trim();
  };
  document.addEventListener("htmx:responseError", (event) => {
    // What polls by itself stays quiet: the next answer tells.
    if (event.detail.requestConfig?.triggeringEvent) {
      toast(explain(event.detail.xhr.responseText) || "The panel could not answer. Try again.", true);
    }
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.requestConfig?.triggeringEvent) toast("The panel does not answer. Check your connection.", true);
  });

  // ---- theme ----------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-theme-switch]") || !event.submitter) return;
    event.preventDefault();
    const chosen = event.submitter.value;
    document.documentElement.dataset.bsTheme = chosen;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    $$("[data-theme-switch] button").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.value === chosen)));
  });

  // ---- drawer ---------------------------------------------------------------------------------
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
      if (!answer.ok) { toast(explain(body) || "This could not be opened.", true); giveUp(); return; }
      content.innerHTML = body;
      window.htmx?.process(content);
    } catch {
      toast("The panel does not answer. Check your connection.", true);
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

  // ---- rows -----------------------------------------------------------------------------------
  const rowLinks = () => $$("tr[data-row] a[data-row-link]").filter((link) => link.offsetParent !== null);
  const step = (by) => {
    const links = rowLinks();
    if (!links.length) return;
    const here = drawer?.open
      ? links.findIndex((link) => link.closest("tr").getAttribute("aria-current") === "true")
      : links.indexOf(document.activeElement);
    const next = links[Math.min(Math.max(here + by, 0), links.length - 1)];
    if (drawer?.open) {
      if (next.matches("[data-drawer]") && links.indexOf(next) !== here) open(next.getAttribute("href"));
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
      open(link.getAttribute("href"));
    }
  });

  // ---- popovers: one open at a time, shut by Esc or a click elsewhere -------------------------
  document.addEventListener("click", (event) => {
    $$("details[data-popover][open]").forEach((box) => { if (!box.contains(event.target)) box.open = false; });
  });

  // ---- keys -----------------------------------------------------------------------------------
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

  // ---- confirmations: <form data-confirm="What will happen"> ----------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    const box = document.createElement("dialog");
    box.className = "confirm";
    const text = document.createElement("p");
    text.className = "confirm-text";
    text.textContent = form.dataset.confirm;
    const buttons = document.createElement("div");
    buttons.className = "confirm-buttons";
    const yes = document.createElement("button");
    yes.className = "btn btn-primary";
    yes.textContent = form.dataset.confirmLabel ?? event.submitter?.textContent.trim() ?? "Do it";
    const no = document.createElement("button");
    no.className = "btn btn-quiet";
    no.textContent = "Cancel";
    yes.addEventListener("click", () => { form.dataset.confirmed = "1"; box.close(); form.requestSubmit(event.submitter ?? undefined); });
    no.addEventListener("click", () => box.close());
    box.addEventListener("close", () => box.remove());
    buttons.append(no, yes);
    box.append(text, buttons);
    document.body.append(box);
    box.showModal();
    yes.focus();
  });

  // ---- forms: warn before unsaved changes are lost; a select that applies at once -------------
  let unsaved = false;
  document.addEventListener("input", (event) => { if (event.target.form?.matches("[data-guard]")) unsaved = true; });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-guard]")) unsaved = false; });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-apply]")) event.target.form.requestSubmit();
  });
  // Empty filters stay out of the address.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-sparse]")) return;
    $$("input[name], select[name]", event.target).forEach((field) => { field.disabled = field.value === ""; });
  });
  window.addEventListener("pageshow", () => {
    $$("[data-sparse] :disabled").forEach((field) => { field.disabled = false; });
  });

  // ---- the browser's own zone on the account page ---------------------------------------------
  const offer = $("[data-browser-zone]");
  const zones = $('select[name="zone"]');
  if (offer && zones) {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (mine && mine !== zones.value && [...zones.options].some((option) => option.value === mine)) {
      $("strong", offer).textContent = mine;
      $("button", offer).addEventListener("click", () => { zones.value = mine; offer.hidden = true; });
      offer.hidden = false;
    }
  }
})();
