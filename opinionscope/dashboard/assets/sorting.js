// The order of each table, kept in the address: `sort-trades=amount` puts the largest on top, `sort-trades=-amount` the
// smallest.

const PREFIX = "sort-";
const [, ROOT, DASHBOARDS, SLUG] = location.pathname.split("/");
const PAGE = `/${ROOT}/${DASHBOARDS}/${SLUG}`;

export function isOrder(parameter) {
  return parameter.startsWith(PREFIX);
}

// The column that a table is sorted by, and whether its order is turned; nothing if the address has none of its columns.
export function orderOf(name, columns) {
  const kept = new URLSearchParams(location.search).get(PREFIX + name) ?? "";
  const column = columns.find(({ field }) => field === kept.replace(/^-/, ""));
  return column && { column, turned: kept.startsWith("-") };
}

export function keepOrder(name, { field }, turned) {
  const address = new URL(location.href);
  address.searchParams.set(PREFIX + name, (turned ? "-" : "") + field);
  history.replaceState(null, "", address);
  carryOrders();
}

// Filters, a refresh, and the page of one chart keep the order.
export function carryOrders() {
  const orders = [...new URLSearchParams(location.search)].filter(([parameter]) => isOrder(parameter));
  for (const link of document.querySelectorAll("main a:not(.clear)")) {
    const leadsHere = link.origin === location.origin && `${link.pathname}/`.startsWith(`${PAGE}/`);
    if (!leadsHere || orders.length === 0) continue;
    const address = new URL(link.href);
    for (const [parameter, value] of orders) address.searchParams.set(parameter, value);
    link.href = address;
  }
  const form = document.querySelector("form.filters");
  for (const old of form?.querySelectorAll("input[type=hidden]") ?? []) old.remove();
  for (const [name, value] of orders) form?.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
}
