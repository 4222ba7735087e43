"use strict";
const EVERY_MS = 1000, KEPT = 600, COLOURS = 8;
const PHASES = [["connect", "connecting"], ["send", "sending the body"], ["wait", "waiting for the answer"], ["receive", "answered"], ["inbox", "waiting for a message"], ["none", "before anything was sent"]];
const at = id => document.getElementById(id);
const count = n => Math.round(n).toLocaleString("en");
const ms = us => us === null || us === undefined ? "–" : (us / 1000).toLocaleString("en", { maximumFractionDigits: 1 }) + " ms";
const clock = s => `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}:${String(Math.floor(s) % 60).padStart(2, "0")}`;
let run = "", moments = [], outcomeColour = new Map([["ok", 0]]);

function node(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
function cell(name, content, kind) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(content);
  return made;
}
function rows(table, made) {
  at(table).tBodies[0].replaceChildren(...made.map(cells => { const row = document.createElement("tr"); row.append(...cells); return row; }));
}
function rounded(top) {
  const unit = 10 ** Math.floor(Math.log10(top || 1));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(n => n * unit).find(n => n >= top) || 1;
}
function chart(id, lines) {
  const svg = at(id), width = svg.clientWidth, height = svg.clientHeight, left = 44, bottom = 18;
  const seconds = moments.map(m => m[1]), first = seconds[0] || 0, span = Math.max((seconds.at(-1) || 0) - first, 1);
  const top = rounded(Math.max(0, ...lines.flat().filter(v => v !== null)));
  const x = s => left + (s - first) / span * (width - left - 8), y = v => height - bottom - v / top * (height - bottom - 8);
  const made = [];
  for (const share of [0, 0.5, 1]) {
    made.push(node("line", { class: "grid", x1: left, x2: width, y1: y(top * share), y2: y(top * share) }));
    made.push(node("text", { x: left - 6, y: y(top * share) + 4, "text-anchor": "end" }, (top * share).toLocaleString("en")));
  }
  for (const share of [0, 0.5, 1]) made.push(node("text", { x: x(first + span * share), y: height - 3, "text-anchor": ["start", "middle", "end"][share * 2] }, clock(first + span * share)));
  lines.forEach((line, i) => {
    let piece = [];
    const draw = () => { if (piece.length) made.push(node("polyline", { class: `l${i + 1}`, points: piece.join(" ") })); piece = []; };
    line.forEach((v, j) => v === null ? draw() : piece.push(`${x(seconds[j]).toFixed(1)},${y(v).toFixed(1)}`));
    draw();
  });
  svg.replaceChildren(...made);
}
function rate(column) {
  return moments.map((m, i) => i ? (m[column] - moments[i - 1][column]) / Math.max(m[1] - moments[i - 1][1], 0.001) : null);
}
function bar(parts, whole) {
  const svg = node("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" });
  let from = 0;
  for (const [kind, value] of parts) {
    const width = whole ? value / whole * 100 : 0;
    svg.append(node("rect", { class: kind, x: from, width, y: 0, height: 10 }));
    from += width;
  }
  return svg;
}
function colour(outcome) {
  if (!outcomeColour.has(outcome)) outcomeColour.set(outcome, 1 + (outcomeColour.size - 1) % (COLOURS - 1));
  return `o${outcomeColour.get(outcome)}`;
}
function tiles(now) {
  const fate = name => now.fates[name] || 0;
  const facts = [
    [count(now.in_flight + now.waiting), "people live"],
    [count(now.started), `arrived of ${count(now.planned)} planned`],
    [count(now.offered - now.started), "due and not begun"],
    [count(fate("finished")), "finished"],
    [count(fate("gave_up") + fate("rejected") + fate("unreachable")), "left before the end"],
    [ms(now.late_p99_us), `late at quantile 0.99; most ${ms(now.late_max_us)}`],
  ];
  at("tiles").replaceChildren(...facts.map(([figure, what]) => { const li = document.createElement("li"); li.append(cell("b", figure), what); return li; }));
}
function show(now) {
  at("state").className = "";
  at("state").textContent = `${now.state} · ${clock(now.seconds)}`;
  at("title").textContent = now.title;
  at("about").textContent = `${now.target} · ${now.run}${now.speed === 1 ? "" : ` · ${now.speed.toLocaleString("en")} times as fast as in life`} · ${(now.sent_bytes / 1e6).toFixed(1)} MB sent`;
  tiles(now);
  chart("rates", [rate(2), rate(3)]);
  chart("live", [moments.map(m => m[4]), moments.map(m => m[5])]);
  chart("late", [moments.map(m => m[7] === null ? null : m[7] / 1000)]);
  rows("funnel", now.funnel.map(([step, passed, attempts, failed]) => [cell("td", step), cell("td", bar([["fill", passed]], now.started)), cell("td", count(passed), "number"), cell("td", count(attempts), "number"), cell("td", count(failed), "number")]));
  const total = stage => Object.values(stage).reduce((sum, n) => sum + n, 0);
  const most = Math.max(1, ...Object.values(now.stages).map(total));
  at("stages-title").textContent = now.what === "uploads" ? "Where uploads ended" : "Where requests ended";
  rows("stages", PHASES.filter(([phase]) => now.stages[phase]).map(([phase, words]) => {
    const parts = Object.entries(now.stages[phase]).sort((a, b) => b[1] - a[1]);
    return [cell("td", words), cell("td", bar(parts.map(([outcome, n]) => [colour(outcome), n]), most)), cell("td", count(total(now.stages[phase])), "number")];
  }));
  const totals = new Map();
  for (const stage of Object.values(now.stages)) for (const [outcome, n] of Object.entries(stage)) totals.set(outcome, (totals.get(outcome) || 0) + n);
  at("outcomes").replaceChildren(...[...totals].sort((a, b) => b[1] - a[1]).map(([outcome, n]) => cell("span", `${outcome.replaceAll("_", " ")} ${count(n)}`, colour(outcome))));
  at("workers-part").hidden = !now.workers.length;
  rows("workers", now.workers.map(([process, host, state, started, late]) => [cell("td", String(process)), cell("td", host), cell("td", state), cell("td", count(started), "number"), cell("td", ms(late), "number")]));
}
async function ask() {
  try {
    const answer = await fetch(`now?after=${moments.length ? moments.at(-1)[0] : 0}&run=${encodeURIComponent(run)}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const now = await answer.json();
    if (now.run) {
      if (now.run !== run) { run = now.run; moments = []; }
      moments.push(...now.moments);
      if (moments.length > KEPT) moments = moments.filter((_, i) => i % 2 === 0);
      show(now);
    }
  } catch (error) {
    at("state").className = "lost";
    at("state").textContent = "Locust does not answer; what follows is the last that it said.";
  }
  setTimeout(ask, EVERY_MS);
}
ask();
