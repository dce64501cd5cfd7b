/* What every other file here builds on. No framework; every page works without script.
   Texts come from the page (templates/pieces/words.html), so that they can be translated. */
const companion = (() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const csrf = () => $('meta[name="csrf-token"]')?.content ?? "";
  const word = (name) => $("#words")?.content.querySelector(`[data-word="${name}"]`)?.textContent ?? "";

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
      toast(explain(event.detail.xhr.responseText) || word("failed"), true);
    }
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.requestConfig?.triggeringEvent) toast(word("away"), true);
  });

  return { $, $$, csrf, word, toast, explain };
})();
