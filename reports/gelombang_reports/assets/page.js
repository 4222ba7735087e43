// Draws each chart on a canvas over its SVG, which stays for print and for where this script may not run.
(() => {
  "use strict";
  const charts = JSON.parse(document.getElementById("charts").textContent);
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
      hooks: { setCursor: [(u) => say(figure, chart, u.cursor.idx)] },
    }, [chart.x, ...chart.lines.map((line) => line.values)], box);
    box.classList.add("live");
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
  document.documentElement.dataset.chartsDrawn = String(undo.length);
})();
