/* Typed text is not lost by a slip: links, "back" and the closing of a drawer ask first.
   <form data-guard> holds the dialog that asks (pieces/forms.html). */
(() => {
  "use strict";
  const { $ } = companion;
  let edited = null; // the form with unsaved changes
  let steps = 1; // how far back leaving goes
  let returning = false;

  const unsaved = () => Boolean(edited?.isConnected);
  const forget = () => { edited = null; };
  const begin = (form) => {
    if (edited === form) return;
    edited = form;
    steps = form.closest("dialog") ? 1 : 2;
    // An entry of its own, so that "back" stays on this page and can be asked about.
    if (steps === 2) history.pushState({ ...history.state, edited: true }, "", location.href);
  };
  document.addEventListener("input", (event) => {
    if (event.target.form?.matches("[data-guard]")) begin(event.target.form);
  });
  edited = $("form[data-guard][data-unsaved]");

  const ask = (leave) => {
    const box = $("dialog[data-discard]", edited);
    if (!box) { forget(); leave(); return; }
    if (box.open) return;
    $("[data-stay]", box).onclick = () => box.close();
    $("[data-leave]", box).onclick = () => { box.close(); forget(); leave(); };
    box.showModal();
  };
  const hold = (event, leave) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(leave);
  };

  document.addEventListener("click", (event) => {
    if (!unsaved() || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const dialog = edited.closest("dialog");
    if (event.target === dialog) { hold(event, () => dialog.close()); return; }
    const link = event.target.closest("a[href]");
    if (!link || link.target === "_blank" || link.hasAttribute("download")) return;
    if (link.getAttribute("href").startsWith("#")) return;
    // What opens over the page leaves the form where it is.
    if (!dialog && link.matches("[data-drawer], [data-dialog]")) return;
    hold(event, () => link.click());
  }, true);

  document.addEventListener("submit", (event) => {
    if (!unsaved()) return;
    const form = event.target, dialog = form.closest("dialog");
    if (form === edited) { forget(); return; }
    if (form.matches("[data-theme-switch], [hx-get], [hx-post]")) return;
    if (event.submitter?.formMethod === "dialog" || form.method === "dialog") {
      if (dialog?.contains(edited)) hold(event, () => dialog.close());
      return;
    }
    hold(event, () => form.requestSubmit(event.submitter ?? undefined));
  }, true);

  document.addEventListener("keydown", (event) => {
    const dialog = unsaved() && edited.closest("dialog[open]");
    if (event.key === "Escape" && dialog && !event.target.closest("[data-discard]")) {
      hold(event, () => dialog.close());
    }
  }, true);

  // j and k go on to the next row while the drawer shows a form. (The drawer comes after this file.)
  queueMicrotask(() => {
    const openDrawer = companion.openDrawer;
    companion.openDrawer = (address) => {
      if (unsaved() && edited.closest("dialog")) ask(() => openDrawer(address));
      else openDrawer(address);
    };
  });

  // Before drawer.js, which would close on "back".
  window.addEventListener("popstate", (event) => {
    if (returning) { returning = false; event.stopImmediatePropagation(); return; }
    if (!unsaved()) return;
    event.stopImmediatePropagation();
    returning = true;
    history.go(1);
    ask(() => history.go(-steps));
  }, true);
  // Come back to by "back" after saving: the entry of ours is one too many.
  window.addEventListener("pageshow", () => {
    if (history.state?.edited && !unsaved()) history.back();
  });
  window.addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
})();
