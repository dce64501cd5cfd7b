/* Light, dark or as the system: at once, and remembered in a cookie. */
(() => {
  "use strict";
  const { $$ } = companion;
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
})();
