/* Charts read out their values, under the pointer and by arrow keys. The words are those of the
   table behind each chart. */
(() => {
  "use strict";
  const { $, $$ } = companion;
  const svg = (view) => $(".chart-svg", view);

  const parts = (view) => {
    const figure = view.closest(".chart");
    return {
      heads: $$("thead th", figure).map((cell) => cell.textContent),
      rows: $$("tbody tr", figure).map((row) => [...row.cells].map((cell) => cell.textContent)),
      stops: view.dataset.stops.split(" ").map(Number),
      heat: view.dataset.chart === "heat",
      readout: $("[data-readout]", figure),
    };
  };
  const reading = (view) => (view.parts ??= parts(view));

  const show = (view, column, row = 0) => {
    const { heads, rows, stops, heat, readout } = reading(view);
    const cursor = $(".chart-cursor", view);
    view.at = [column, row];
    if (heat) {
      const half = 50 / stops.length;
      cursor.setAttribute("x", `${stops[column] - half}%`);
      cursor.setAttribute("y", row * 24);
      readout.textContent = `${rows[row][0]}, ${heads[column + 1]}: ${rows[row][column + 1]}`;
    } else {
      cursor.setAttribute("x1", `${stops[column]}%`);
      cursor.setAttribute("x2", `${stops[column]}%`);
      const [name, ...values] = rows[column];
      const said = values.map((value, n) => (values.length > 1 ? `${heads[n + 1]} ${value}` : value));
      readout.textContent = `${name}: ${said.join(" · ")}`;
    }
    view.classList.add("is-reading");
  };
  const hide = (view) => {
    view.classList.remove("is-reading");
    if (view.parts) view.parts.readout.textContent = "";
  };

  const nearest = (stops, share) =>
    stops.reduce((best, stop, n) => (Math.abs(stop - share) < Math.abs(stops[best] - share) ? n : best), 0);

  document.addEventListener("pointermove", (event) => {
    const view = event.target.closest?.(".chart-view");
    $$(".chart-view.is-reading").forEach((other) => {
      if (other !== view && other !== document.activeElement) hide(other);
    });
    if (!view) return;
    const style = getComputedStyle(svg(view));
    const box = svg(view).getBoundingClientRect();
    const left = box.left + parseFloat(style.paddingLeft);
    const width = box.width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const { stops, rows } = reading(view);
    const row = Math.floor((event.clientY - box.top - parseFloat(style.paddingTop)) / 24);
    show(view, nearest(stops, ((event.clientX - left) * 100) / width), Math.min(Math.max(row, 0), rows.length - 1));
  });

  document.addEventListener("keydown", (event) => {
    const view = event.target;
    if (!view.matches?.(".chart-view") || event.ctrlKey || event.metaKey || event.altKey) return;
    const { stops, rows, heat } = reading(view);
    const [column, row] = view.at ?? [0, 0];
    const last = stops.length - 1;
    const to = {
      ArrowRight: [Math.min(column + 1, last), row],
      ArrowLeft: [Math.max(column - 1, 0), row],
      Home: [0, row],
      End: [last, row],
      ...(heat && { ArrowDown: [column, Math.min(row + 1, rows.length - 1)], ArrowUp: [column, Math.max(row - 1, 0)] }),
    }[event.key];
    if (to) { event.preventDefault(); show(view, ...to); }
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".chart-view")) show(event.target, ...(event.target.at ?? [0, 0]));
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.(".chart-view")) hide(event.target);
  });

  const ready = (root) => $$(".chart-view:not([tabindex])", root).forEach((view) => {
    view.tabIndex = 0;
    view.setAttribute("role", "group");
    view.setAttribute("aria-label", view.dataset.label);
  });
  ready(document);
  document.addEventListener("htmx:afterSettle", (event) => ready(event.target.parentElement ?? document));
})();
