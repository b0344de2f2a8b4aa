// Datasette's own pages leave the fields of their filters without names, and wide tables out of the keyboard's reach.

const NAMES = { _filter_column: "Column", _filter_op: "Comparison", _filter_value: "Value", _sort: "Sort by" };

for (const field of document.querySelectorAll("form select, form input")) {
  const [, name] = Object.entries(NAMES).find(([start]) => field.name.startsWith(start)) ?? [];
  if (name && field.labels?.length === 0) field.ariaLabel = name;
}
// They leave out levels of headings, too.
let level = 1;
for (const heading of document.querySelectorAll("main :is(h1, h2, h3, h4)")) {
  level = Math.min(Number(heading.tagName[1]), level + 1);
  heading.ariaLevel = String(level);
}
for (const frame of document.querySelectorAll(".table-wrapper")) frame.tabIndex = 0;
