/* Forms: confirmation, keys, one submit per click, selects that apply at once. */
(() => {
  "use strict";
  const { $, $$, word } = companion;

  // Confirmations: <form data-confirm="What will happen">.
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
    yes.textContent = form.dataset.confirmLabel ?? event.submitter?.textContent.trim() ?? word("do-it");
    const no = document.createElement("button");
    no.className = "btn btn-quiet";
    no.textContent = word("cancel");
    yes.addEventListener("click", () => { form.dataset.confirmed = "1"; box.close(); form.requestSubmit(event.submitter ?? undefined); });
    no.addEventListener("click", () => box.close());
    box.addEventListener("close", () => box.remove());
    buttons.append(no, yes);
    box.append(text, buttons);
    document.body.append(box);
    box.showModal();
    yes.focus();
  });

  // Ctrl+Enter (Cmd+Enter) saves from any field of a form, also from a text of several lines.
  document.addEventListener("keydown", (event) => {
    const form = event.target.form;
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || form?.method !== "post") return;
    event.preventDefault();
    form.requestSubmit($("button:not([type=button])", form));
  });
  // A link of the error summary puts the cursor into its field.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('.error-summary a[href^="#"]');
    const field = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.closest(".field")?.scrollIntoView({ block: "nearest" });
  });
  // In a dialog or drawer "Cancel" closes it: what lies below is where it would lead.
  document.addEventListener("click", (event) => {
    const box = event.target.closest("a[data-cancel]")?.closest("dialog");
    if (!box || event.defaultPrevented) return;
    event.preventDefault();
    box.close();
  });
  // The second click of a double click does nothing; a page that stays can be used again.
  const free = () => $$("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy"));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.hasAttribute("aria-busy")) { event.preventDefault(); return; }
    form.setAttribute("aria-busy", "true");
    setTimeout(free, 5000);
  });
  window.addEventListener("pageshow", free);
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

  // The browser's own zone on the account page.
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
