// Follows a run: one event with the panels, then one for each moment; draws only the page that is looked at.
(() => {
  "use strict";
  const main = document.querySelector("main");
  const palette = main.dataset.colours.split(" ");
  const make = (kind, facts = {}, ...inside) => {
    const node = Object.assign(document.createElement(kind), facts);
    node.append(...inside);
    return node;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const state = document.getElementById("state");
  const say = (word, kind) => { state.textContent = word; state.className = `flag ${kind}`; };

  const scaled = (value, units, base) => {
    let i = 0;
    for (; Math.abs(value) >= base && i < units.length - 1; i += 1) value /= base;
    return `${plain(value)}\u202f${units[i]}`;
  };
  const plain = (value) => {
    const size = Math.abs(value);
    const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
    return Number(value.toFixed(digits)).toLocaleString("en").replace(/,/g, "\u202f");
  };
  const written = (value, unit) => {
    if (value == null) return "–";
    if (unit === "percentunit") return `${plain(100 * value)}\u202f%`;
    if (unit === "s") return value && Math.abs(value) < 1 ? `${plain(1000 * value)}\u202fms` : `${plain(value)}\u202fs`;
    if (unit === "bytes") return scaled(value, ["B", "kB", "MB", "GB", "TB"], 1000);
    if (unit === "Bps") return scaled(value, ["B/s", "kB/s", "MB/s", "GB/s"], 1000);
    return unit.startsWith("suffix: ") ? `${plain(value)}\u202f${unit.slice(8)}` : plain(value);
  };

  let run = null;
  let panels = [];
  let names = [];
  let moments = [];
  const selected = () => document.querySelector('[role="tab"][aria-selected="true"]').id.slice(4);

  const clock = (wallSeconds) => {
    const whole = Math.floor(run.opens_seconds + wallSeconds * run.speed);
    const two = (n) => String(n).padStart(2, "0");
    return `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}`;
  };

  const begin = (facts) => {
    run = facts;
    names = facts.names;
    moments = [];
    document.getElementById("said").textContent = main.dataset.listening;
    document.getElementById("run").textContent = facts.profile;
    document.getElementById("what").textContent = facts.what;
    document.title = `${facts.profile}: ${facts.what}`;
    panels.forEach((panel) => panel.plot && panel.plot.destroy());
    panels = facts.panels.map((one) => ({ ...one, box: make("div", { className: "panel-box" }) }));
    for (const place of document.querySelectorAll(".rows")) place.replaceChildren();
    for (const panel of panels) {
      const page = document.querySelector(`#page-${panel.page} .rows`);
      let row = [...page.children].find((one) => one.dataset.row === panel.row);
      if (!row) {
        row = make("div", {}, make("h3", { textContent: panel.row }), make("div", { className: "panels" }));
        row.dataset.row = panel.row;
        page.append(row);
      }
      const about = make("details", {}, make("summary", { textContent: main.dataset.about }), panel.description);
      const box = make("div", { className: "panel" }, make("h4", { textContent: panel.title }), panel.box, about);
      box.dataset.number = panel.number;
      box.style.gridColumn = `span ${panel.columns}`;
      row.lastChild.append(box);
    }
  };

  const paint = (panel, legend, i) => {
    const found = panel.paints.find(([regex]) => new RegExp(regex).test(legend));
    return { stroke: found ? found[1] : legend.startsWith("limit") ? colour("soft") : palette[(i + 4) % palette.length], dashed: found ? found[2] : legend.startsWith("limit") };
  };

  // Of a panel, its lines: [legend, place in each moment's values].
  const linesOf = (panel) => names.map(([number, legend], place) => [legend, place, number]).filter(([, , number]) => number === panel.number);

  const quiet = (panel) => panel.box.replaceChildren(make("p", { className: "quiet", textContent: main.dataset.quiet }));

  // What is there or not, with nothing to count: the first label large, the others below.
  const named = (legend) => {
    const [first, ...others] = legend.split(" · ");
    return make("li", {}, make("b", { textContent: first }), ...others.map((other) => make("span", { textContent: other })));
  };

  const numbers = (panel, lines, last) => {
    const known = lines.filter(([, place]) => last[place] != null);
    if (!known.length) return quiet(panel);
    const items = known.map(([legend, place]) => make("li", {}, make("b", { textContent: written(last[place], panel.unit) }), make("span", { textContent: legend })));
    panel.box.replaceChildren(make("ul", { className: "big" }, ...items));
  };

  const bars = (panel, lines, last) => {
    const known = lines.filter(([, place]) => last[place] != null);
    if (!known.length) return quiet(panel);
    if (known.every(([, place]) => last[place] === 1) && panel.unit === "short") {
      return panel.box.replaceChildren(make("ul", { className: "named" }, ...known.map(([legend]) => named(legend))));
    }
    const most = panel.highest || Math.max(...known.map(([, place]) => last[place]), 1e-9);
    const table = make("table", { className: "bars" });
    for (const [legend, place] of known) {
      const row = table.insertRow();
      row.insertCell().textContent = legend;
      row.insertCell().innerHTML = `<svg aria-hidden="true"><rect width="100%" height="100%" class="trough"/><rect width="${Math.max(0, Math.min(100, (100 * last[place]) / most)).toFixed(1)}%" height="100%" class="fill p2"/></svg>`;
      row.insertCell().textContent = written(last[place], panel.unit);
    }
    panel.box.replaceChildren(table);
  };

  // As high as what is drawn, and as its limits where they are near: a limit far above would press everything flat.
  const top = (panel, lines, data) => {
    const highs = lines.map((_, i) => data[i + 1].reduce((high, value) => Math.max(high, value ?? 0), 0));
    const isLimit = lines.map(([text], i) => paint(panel, text, i).dashed);
    const own = Math.max(0, ...highs.filter((_, i) => !isLimit[i]));
    return Math.max(own, ...highs.filter((high, i) => isLimit[i] && (own === 0 || high <= 4 * own)));
  };

  const chart = (panel, lines) => {
    const x = moments.map((moment) => moment.t);
    const data = [x, ...lines.map(([, place]) => moments.map((moment) => moment.v[place] ?? null))];
    const legend = lines.map(([text]) => text).join("\n");
    if (panel.plot && panel.drawn === legend && panel.box.isConnected) {
      panel.plot.setData(data);
    } else {
      if (panel.plot) panel.plot.destroy();
      const canvas = make("div", { className: "canvas" });
      const key = make("ul", { className: "legend" });
      lines.forEach(([text], i) => {
        const mark = make("i", { className: "swatch line" });
        mark.style.background = paint(panel, text, i).stroke;
        key.append(make("li", {}, mark, ` ${text} `, make("output")));
      });
      panel.box.replaceChildren(canvas, key);
      const axis = { stroke: colour("soft"), font: `11px ${getComputedStyle(document.body).fontFamily}`, ticks: { stroke: colour("rule"), size: 4 }, gap: 4 };
      panel.plot = new uPlot({
        width: canvas.clientWidth || 300,
        height: 170,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, sync: { key: "live" } },
        scales: { x: { time: false }, y: { range: (u, low) => [Math.min(0, low ?? 0), panel.highest || Math.max(top(panel, lines, u.data), 1e-9) * 1.05] } },
        axes: [
          { ...axis, size: 24, grid: { show: false }, values: (u, ticks) => ticks.map(clock) },
          { ...axis, size: 62, grid: { stroke: colour("rule"), width: 1 }, values: (u, ticks) => ticks.map((tick) => written(tick, panel.unit).replace(/\u202f(people|attempts|answers|cores).*/, "")) },
        ],
        series: [{}, ...lines.map(([text], i) => {
          const { stroke, dashed } = paint(panel, text, i);
          return { stroke, width: 1.6, dash: dashed ? [4, 4] : undefined, points: { show: false }, spanGaps: false };
        })],
      }, data, canvas);
      panel.drawn = legend;
    }
    const last = moments[moments.length - 1].v;
    panel.box.querySelectorAll("output").forEach((output, i) => { output.textContent = written(last[lines[i][1]], panel.unit); });
  };

  const show = () => {
    if (!run || !moments.length) return;
    const last = moments[moments.length - 1];
    document.getElementById("clock").textContent = clock(last.t);
    const page = selected();
    for (const panel of panels.filter((one) => one.page === page)) {
      const lines = linesOf(panel);
      if (!lines.length) quiet(panel);
      else if (panel.form === "stat") numbers(panel, lines, last.v);
      else if (panel.form === "timeseries") chart(panel, lines);
      else bars(panel, lines, last.v);
    }
    document.documentElement.dataset.moments = String(moments.length);
  };

  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const choose = (tab) => {
    for (const one of tabs) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    show();
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      next.focus();
      choose(next);
    });
  });
  const asked = tabs.find((tab) => `#${tab.id.slice(4)}` === location.hash);
  if (asked) choose(asked);

  const events = new EventSource(main.dataset.events);
  events.addEventListener("run", (event) => { begin(JSON.parse(event.data)); say("live", "valid"); });
  events.addEventListener("moments", (event) => {
    const found = JSON.parse(event.data);
    names.push(...found.names.slice(Math.max(0, names.length - found.from)));
    moments.push(...found.moments);
    if (moments.length > run.moments_limit) moments = moments.filter((_, i) => i % 2 === 0);
    say("live", "valid");
    show();
  });
  // What stands between back-quotes is the name of a setting.
  events.addEventListener("said", (event) => {
    const parts = JSON.parse(event.data).text.split("`");
    document.getElementById("said").replaceChildren(...parts.map((part, i) => (i % 2 ? make("code", { textContent: part }) : part)));
  });
  events.addEventListener("ended", (event) => { events.close(); say(`${main.dataset.ended}: ${JSON.parse(event.data).page}`, "none"); });
  events.addEventListener("error", () => say(main.dataset.lost, "suspect"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { panels.forEach((panel) => { panel.drawn = null; }); show(); });
  addEventListener("resize", () => { panels.forEach((panel) => { panel.drawn = null; }); show(); });
})();
