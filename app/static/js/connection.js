/* Talking to the panel: the CSRF token, a bar while it takes time, a line when it is away. */
(() => {
  "use strict";
  const { $, csrf, word, explain, toast } = companion;
  const bar = $("#loading");
  const strip = $("#away");
  let running = 0;
  let timer = 0;

  companion.busy = (by) => {
    running = Math.max(running + by, 0);
    clearTimeout(timer);
    if (!bar) return;
    if (running) timer = setTimeout(() => { bar.hidden = false; }, 150);
    else bar.hidden = true;
  };
  companion.away = (is) => { if (strip && strip.hidden === is) strip.hidden = !is; };

  // What polls by itself stays quiet: nobody waits for it.
  const asked = (event) => Boolean(event.detail.requestConfig?.triggeringEvent);
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:beforeRequest", (event) => { if (asked(event)) companion.busy(1); });
  document.addEventListener("htmx:afterRequest", (event) => { if (asked(event)) companion.busy(-1); });
  document.addEventListener("htmx:afterOnLoad", () => companion.away(false));
  document.addEventListener("htmx:responseError", (event) => {
    companion.away(false);
    if (asked(event)) toast(explain(event.detail.xhr.responseText) || word("failed"), "bad");
  });
  document.addEventListener("htmx:sendError", (event) => {
    companion.away(true);
    if (asked(event)) toast(word("away"), "bad");
  });
  document.addEventListener("htmx:timeout", () => companion.away(true));
  window.addEventListener("offline", () => companion.away(true));
  window.addEventListener("online", () => companion.away(false));
  if (navigator.onLine === false) companion.away(true);
})();
