/* Trying an operation of the API from its page: with the session that one is signed in with. */
(() => {
  "use strict";
  const { $, $$, csrf } = companion;

  const request = (form) => {
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const headers = { "X-CSRFToken": csrf(), Accept: "application/json" };
    let body;
    for (const input of $$("[data-in]", form)) {
      const value = input.value.trim();
      if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(value));
      else if (input.dataset.in === "body") body = input.value;
      else if (value && input.dataset.in === "query") query.set(input.name, value);
      else if (value) headers[input.name] = value;
    }
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const address = query.size ? `${path}?${query}` : path;
    return [address, { method: form.dataset.method, headers, body }];
  };

  const pretty = (text) => {
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches?.("[data-api-try]")) return;
    event.preventDefault();
    const said = $("[data-api-said]", form.parentElement);
    const [status, output] = [$("[data-api-status]", said), $("pre", said)];
    const button = $("button", form);
    button.disabled = true;
    try {
      const answer = await fetch(...request(form));
      const etag = answer.headers.get("ETag");
      status.textContent = `${answer.status} ${answer.statusText}${etag ? ` · ETag ${etag}` : ""}`;
      output.textContent = pretty(await answer.text());
    } catch (error) {
      status.textContent = String(error);
      output.textContent = "";
    }
    said.hidden = false;
    button.disabled = false;
  });
})();
