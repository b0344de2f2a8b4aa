// A table that its headings sort; on a phone, where it has none, a list of them.

import { format, isNumeric, tone } from "./formats.js";
import { keepOrder, orderOf } from "./sorting.js";

function content(row, column) {
  const value = row[column.field];
  if (value === null) return column.empty ?? "–";
  const text = format(value, column.as);
  if (column.as === "link" && row.url) return anchor(text, row.url, "_blank");
  if (column.as === "filter" && row[column.value] !== null) {
    return anchor(text, `/-/dashboards/${column.page}?${new URLSearchParams({ [column.filter]: row[column.value] })}`, "");
  }
  const className = column.as === "status" ? `mark mark-${String(value).replaceAll(" ", "-")}`
    : column.as === "flag" || column.as === "note" ? "mark mark-partial" : tone(value, column.as);
  if (className) {
    const mark = document.createElement("span");
    mark.className = className;
    mark.textContent = text;
    return mark;
  }
  return text;
}

function anchor(text, address, target) {
  const link = document.createElement("a");
  link.href = address;
  link.target = target;
  link.rel = "noopener noreferrer";
  link.textContent = text;
  return link;
}

function body(rows, columns) {
  const made = document.createElement("tbody");
  for (const row of rows) {
    const line = made.insertRow();
    for (const column of columns) {
      const cell = line.insertCell();
      cell.className = kind(column);
      cell.dataset.title = column.title;
      const shown = content(row, column);
      if (shown) cell.append(shown);
    }
  }
  return made;
}

function kind(column) {
  return isNumeric(column.as) ? "number" : (column.as ?? "text");
}

function compare(one, other) {
  if (one === other) return 0;
  if (one === null) return 1; // unknown values come last in either order
  if (other === null) return -1;
  return typeof one === "number" ? other - one : one.localeCompare(other);
}

// In its own order, the largest number or the first word is on top.
function sortBy(made, rows, columns, { column, turned }) {
  const sorted = rows.toSorted((one, other) => {
    const [left, right] = [one[column.field], other[column.field]];
    return turned && left !== null && right !== null ? -compare(left, right) : compare(left, right);
  });
  for (const [number, heading] of [...made.tHead.rows[0].cells].entries()) {
    heading.ariaSort = columns[number] !== column ? null : turned ? "ascending" : "descending";
  }
  made.tBodies[0].replaceWith(body(sorted, columns));
}

function chooser(title, columns, order, choose) {
  const label = document.createElement("label");
  label.className = "sorter";
  label.append("Sort by ");
  const list = document.createElement("select");
  list.ariaLabel = `Sort ${title} by`;
  list.append(new Option("…", ""), ...columns.map(({ title: name, field }) => new Option(name, field)));
  list.value = order?.column.field ?? "";
  list.onchange = () => list.value && choose(columns.find(({ field }) => field === list.value));
  label.append(list);
  return label;
}

export function table(name, rows, columns, title) {
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  const headings = made.createTHead().insertRow();
  const choose = (column, turned = false) => {
    sortBy(made, rows, columns, { column, turned });
    keepOrder(name, column, turned);
  };
  for (const column of columns) {
    const heading = document.createElement("th");
    heading.scope = "col";
    heading.className = kind(column);
    const button = document.createElement("button");
    button.textContent = column.title;
    button.onclick = () => choose(column, heading.ariaSort === "descending");
    heading.append(button);
    headings.append(heading);
  }
  made.append(body(rows, columns));
  const order = orderOf(name, columns);
  if (order) sortBy(made, rows, columns, order);
  const frame = document.createElement("div");
  frame.className = "frame";
  frame.append(chooser(title, columns, order, choose), made);
  return frame;
}
