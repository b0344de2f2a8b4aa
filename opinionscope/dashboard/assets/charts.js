// Draws every chart of the page. Data is inserted as text and numbers, never as HTML or as a Vega expression.

import { format, tone } from "./formats.js";
import { carryOrders, isOrder } from "./sorting.js";
import { table } from "./table.js";

const DARK = matchMedia("(prefers-color-scheme: dark)").matches;
const GREY = DARK ? "#a3afbb" : "#5b6673";
const GRID = DARK ? "#2d3844" : "#e8ebef";
const LINE = DARK ? "#46525f" : "#c3cad2";
const CONFIG = {
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: { labelColor: GREY, titleColor: GREY, titleFontWeight: "normal", gridColor: GRID, domainColor: LINE, tickColor: LINE, labelLimit: 230 },
  axisX: { grid: false, labelOverlap: "greedy", labelFlush: true },
  axisQuantitative: { grid: true, tickCount: 5 },
  axisBand: { grid: false, ticks: false },
  legend: { labelColor: GREY, orient: "top", symbolType: "circle", labelLimit: 200 },
  range: { category: ["#3b6fb6", "#e0973a", "#4d9a6a", "#8f6bb3", "#c2577a", "#4aa3ad", "#a08453", "#b4bcc6"] },
};
const EMBED = { mode: "vega-lite", renderer: "svg", actions: false, ast: true };
const AXIS_HEIGHT = 34;
const ALONE_HEIGHT = 480;
const NARROW = matchMedia("(max-width: 600px)").matches;
const MILLISECONDS = { hour: 3_600_000, day: 86_400_000 };

// The text of an empty chart, which may be empty only because of the filters. `required` is what the page is about.
function nothing({ required }, empty) {
  const given = [...new URLSearchParams(location.search)].filter(([name, value]) => value.trim() && !isOrder(name));
  return given.some(([name]) => name !== required) ? "No results for these filters." : empty ?? "No data yet.";
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text ?? "";
  return made;
}

function figures(rows, display) {
  const row = rows[0];
  const list = element("dl", "figures");
  for (const { field, title, as, detail, ...figure } of display.figures) {
    const value = row[field];
    const one = element("div", value ? `tone-${tone(value, as) || (figure.tone ?? "plain")}` : "tone-none");
    const name = element("dt", "", title);
    if (detail && row[detail]) name.append(element("small", "", row[detail]));
    one.append(element("dd", "", value === null ? "–" : format(value, as)), name);
    list.append(one);
  }
  return list;
}

// The whole period of a chart, even if nothing happened at its ends; in whole hours or days, UTC.
function domain({ unit, count, ahead }) {
  const length = MILLISECONDS[unit];
  const present = Math.floor(Date.now() / length) * length;
  const start = ahead ? present : present - (count - 1) * length;
  return { expr: `[${start}, ${start + count * length}]` };
}

function specification(rows, { period, rowHeight, empty, ...display }) {
  if (period) {
    display.encoding.x.scale = { type: "utc", domain: domain(period) };
    display.encoding.x.axis = { format: period.unit === "day" ? "%b %-d" : "%b %-d %H:%M", tickCount: 6 };
  }
  if (rowHeight) display.height = rows.length * rowHeight + AXIS_HEIGHT;
  // Beside the chart, a legend would leave a phone no room for it.
  if (NARROW && display.encoding?.color?.legend) display.encoding.color.legend = { orient: "bottom", columns: 1 };
  const autosize = { type: "fit", contains: "padding" };
  return { width: "container", height: 220, autosize, config: CONFIG, data: { values: rows }, ...display };
}

async function draw(chart) {
  const { name, library, url, title, display: text } = chart.dataset;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `HTTP ${answer.status}`);
  const rows = await answer.json();
  const display = JSON.parse(text);
  if (library === "metric" && rows.length > 0) chart.replaceChildren(figures(rows, display));
  else if (rows.length === 0) chart.replaceChildren(element("p", "nothing", nothing(chart.dataset, display.empty)));
  else if (library === "table") chart.replaceChildren(table(name, rows, display.columns, title));
  else {
    const onItsOwn = chart.closest(".single") !== null;
    await vegaEmbed(chart, specification(rows, { description: title, ...display, ...(onItsOwn && { height: ALONE_HEIGHT }) }), EMBED);
  }
}

async function drawOrExplain(chart) {
  try {
    await draw(chart);
  } catch (error) {
    console.error(error);
    chart.replaceChildren(element("p", "problem", `Failed to load this chart: ${error.message}`));
  }
}

await Promise.all([...document.querySelectorAll(".chart")].map(drawOrExplain));
carryOrders();
document.body.dataset.drawn = "yes";
