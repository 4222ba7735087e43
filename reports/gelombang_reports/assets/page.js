// Draws each chart on a canvas over its SVG, which stays for print and for where this script may not run.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("charts").textContent);
  const charts = data.charts.map((chart) => ({ ...data.axes[chart.axis], ...chart, raw: chart.raw || chart.lines.map((line) => line.values) }));
  const opensSeconds = Number(document.querySelector("main").dataset.opensSeconds);
  const figures = [...document.querySelectorAll("figure.chart")];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const font = () => `12px ${getComputedStyle(document.body).fontFamily}`;

  const clock = (seconds, step) => {
    const whole = Math.floor(opensSeconds + seconds);
    const two = (n) => String(n).padStart(2, "0");
    const day = Math.floor(whole / 86400);
    const minutes = `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}`;
    return (day ? `+${day} d ` : "") + minutes + (step < 60 ? `:${two(whole % 60)}` : "");
  };

  const written = (value, unit) => {
    if (value == null) return "–";
    const size = Math.abs(value);
    const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 3;
    const text = Number(value.toFixed(digits)).toLocaleString("en").replace(/,/g, "\u202f");
    return unit === "seconds" ? `${text}\u202fs` : text;
  };

  const series = (line, chart) => {
    const stroke = colour(line.colour);
    if (line.ink === "area") return { width: 0, fill: stroke, points: { show: false } };
    const alone = line.ink === "line" && chart.small;
    return {
      stroke,
      width: line.ink === "faint" ? 1 : 2,
      alpha: line.ink === "faint" ? 0.8 : 1,
      dash: line.ink === "dotted" ? [2, 3] : undefined,
      points: { show: alone, size: 3, width: 0, fill: stroke },
    };
  };

  const say = (figure, chart, index) => {
    const step = chart.x.length > 1 ? chart.x[1] - chart.x[0] : chart.x_max;
    const time = index == null ? "" : clock(chart.x[index] - step / 2, step);
    const all = figure.querySelector("output.all");
    if (all) {
      const names = new Map();
      if (index != null) chart.lines.forEach((line, i) => names.has(line.name) || names.set(line.name, chart.raw[i][index]));
      const said = [...names].map(([name, value]) => (names.size > 1 ? `${name} ` : "") + written(value, chart.unit));
      all.textContent = index == null ? "" : `${time} ${said.join(", ")}`;
      return;
    }
    figure.querySelector("output.moment").textContent = time;
    for (const item of figure.querySelectorAll("li[data-line]")) {
      item.querySelector("output").textContent = index == null ? "" : written(chart.raw[item.dataset.line][index], chart.unit);
    }
  };

  // Phases, faults and the end of arrivals, as on the SVG below.
  const marks = (u, chart) => {
    const { left, top, width, height } = u.bbox;
    const ctx = u.ctx;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
    for (const mark of chart.marks) {
      const x = u.valToPos(mark.at, "x", true);
      const end = mark.until == null ? x : Math.min(u.valToPos(mark.until, "x", true), left + width);
      ctx.fillStyle = ctx.strokeStyle = colour("soft");
      if (mark.until != null) {
        ctx.globalAlpha = 0.16;
        ctx.fillRect(x, top, Math.max(end - x, 1), height);
        ctx.globalAlpha = 1;
      } else {
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
      }
      if (!chart.small) {
        const turned = x > left + width - 90 * devicePixelRatio;
        ctx.textAlign = turned ? "right" : "left";
        ctx.fillText(mark.label, x + (turned ? -4 : 4) * devicePixelRatio, top + 9 * devicePixelRatio);
      }
    }
    ctx.restore();
  };

  const plots = new Map();
  const draw = (figure) => {
    const chart = charts[figure.dataset.index];
    const box = figure.querySelector(".canvas");
    const height = () => (chart.small ? 150 : Math.max(190, Math.min(250, box.clientWidth * 0.5)));
    const axis = { stroke: colour("soft"), font: font(), ticks: { stroke: colour("rule"), size: 4 }, gap: 4 };
    const everySecond = (ticks, u) => (u.bbox.width / devicePixelRatio / ticks.length < 44 ? ticks.filter((_, i) => i % 2 === 0) : ticks);
    const label = (ticks) => (u, splits) => splits.map((at) => (ticks.find((tick) => Math.abs(tick.at - at) < 1e-9) || { label: "" }).label);
    const room = 14 + 7 * Math.max(...chart.y_ticks.map((tick) => tick.label.length));
    const plot = new uPlot({
      width: box.clientWidth,
      height: height(),
      padding: [10, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: "people-time" } },
      scales: {
        x: { time: false, range: [0, chart.x_max] },
        y: { distr: chart.log ? 3 : 1, range: [chart.y_min, chart.y_max] },
      },
      axes: [
        { ...axis, size: 26, grid: { show: false }, splits: (u) => everySecond(chart.x_ticks, u).map((tick) => tick.at), values: label(chart.x_ticks) },
        { ...axis, size: room, grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false }, filter: (u, splits) => splits,
          splits: () => chart.y_ticks.map((tick) => tick.at), values: label(chart.y_ticks) },
      ],
      series: [{}, ...chart.lines.map((line) => series(line, chart))],
      bands: chart.shade ? [{ series: chart.shade.map((i) => i + 1), fill: colour("gap"), dir: 0 }] : [],
      hooks: { draw: [(u) => marks(u, chart)], setCursor: [(u) => say(figure, chart, u.cursor.idx)] },
    }, [chart.x, ...chart.lines.map((line) => line.values)], box);
    box.classList.add("live");
    plots.set(figure, plot);
    const watch = new ResizeObserver(() => {
      if (box.clientWidth && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: height() });
    });
    watch.observe(box);
    return () => { watch.disconnect(); plot.destroy(); };
  };

  let undo = figures.map(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    undo.forEach((one) => one());
    undo = figures.map(draw);
  });

  // The same by keys: an arrow moves one column, Home and End go to the ends, Escape lets go.
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  for (const figure of figures) {
    const chart = charts[figure.dataset.index];
    let at = -1;
    const go = (plot, index) => {
      at = index;
      plot.setCursor(index < 0 ? { left: -10, top: -10 } : { left: plot.valToPos(chart.x[index], "x"), top: 10 });
    };
    figure.querySelector(".canvas").addEventListener("keydown", (event) => {
      const plot = plots.get(figure);
      if (event.key === "Escape") return go(plot, -1);
      if (!(event.key in steps) || !chart.x.length) return;
      event.preventDefault();
      const from = at < 0 && event.key === "ArrowLeft" ? chart.x.length : at;
      go(plot, Math.max(0, Math.min(chart.x.length - 1, from + steps[event.key])));
    });
  }

  // A table beside each chart, made when somebody asks for it.
  const cell = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
  const fill = (box, chart) => {
    const step = chart.x.length > 1 ? chart.x[1] - chart.x[0] : chart.x_max;
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    const named = new Map(chart.lines.map((line, i) => [line.name, i]));
    head.append(...["", ...named.keys()].map((text) => Object.assign(cell("th", text), { scope: "col" })));
    const body = table.createTBody();
    chart.x.forEach((x, row) => {
      const line = body.insertRow();
      line.append(Object.assign(cell("th", clock(x - step / 2, step)), { scope: "row" }));
      for (const [name, last] of named) {
        const first = chart.lines.findIndex((one) => one.name === name);
        line.append(cell("td", written(chart.raw[first][row] ?? chart.raw[last][row], chart.unit)));
      }
    });
    box.append(table);
  };
  for (const figure of figures) {
    const numbers = figure.querySelector(".numbers");
    numbers.hidden = false;
    numbers.addEventListener("toggle", () => {
      const box = numbers.querySelector(".scroll");
      if (numbers.open && !box.firstChild) fill(box, charts[figure.dataset.index]);
    });
  }
  document.documentElement.dataset.chartsDrawn = String(undo.length);
})();
