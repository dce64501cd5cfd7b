/* Selected rows of a list: the bar that counts them, all of a page, a range with Shift. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  let last = null;

  const boxes = (list) => $$("[data-pick]", list);
  const tell = (list) => {
    const bar = $("[data-bulk]", list);
    if (!bar) return;
    const all = boxes(list);
    const picked = all.filter((box) => box.checked).length;
    const head = $("[data-pick-all]", list);
    const count = $("[data-bulk-count]", bar);
    head.hidden = false;
    head.checked = picked === all.length;
    head.indeterminate = picked > 0 && picked < all.length;
    bar.classList.toggle("is-idle", picked === 0);
    $$("button", bar).forEach((button) => { button.disabled = picked === 0; });
    $("[data-bulk-none]", bar).hidden = picked === 0;
    count.textContent = picked ? count.dataset.words.replace("{n}", picked) : "";
    all.forEach((box) => box.closest("tr").classList.toggle("is-picked", box.checked));
  };
  const tellAll = () => $$(".list").forEach(tell);

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-pick]");
    if (!box) return;
    const all = boxes(box.closest(".list"));
    if (event.shiftKey && last && all.includes(last)) {
      const [from, till] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      all.slice(from, till + 1).forEach((other) => { other.checked = box.checked; });
    }
    last = box;
  });
  document.addEventListener("change", (event) => {
    const list = event.target.closest?.(".list");
    if (!list) return;
    if (event.target.matches("[data-pick-all]")) {
      boxes(list).forEach((box) => { box.checked = event.target.checked; });
    }
    if (event.target.matches("[data-pick], [data-pick-all]")) tell(list);
  });
  document.addEventListener("click", (event) => {
    const none = event.target.closest?.("[data-bulk-none]");
    if (!none) return;
    const list = none.closest(".list");
    boxes(list).forEach((box) => { box.checked = false; });
    tell(list);
    $("[data-pick-all]", list).focus();
  });

  // A live list that comes anew keeps what was selected, and waits while a box is open.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.(".list") && $("details[open]", event.target)) event.preventDefault();
  });
  let kept = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    kept = new Set(boxes(document).filter((box) => box.checked).map((box) => box.value));
    if (!event.target.matches?.(".list")) kept.clear();
  });
  document.addEventListener("htmx:afterSettle", () => {
    boxes(document).forEach((box) => { if (kept.has(box.value)) box.checked = true; });
    kept.clear();
    tellAll();
  });
  window.addEventListener("pageshow", tellAll);
  tellAll();
})();
