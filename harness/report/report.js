// Search, filters and the address of the page, over the rows that are there without a script.
const VERDICTS = ["fail", "inconclusive", "pass", "skip"], seenIds = new Map();
const rows = [...document.querySelectorAll("#results > .row")].map(node => {
  const id = node.querySelector(".id").textContent, count = (seenIds.get(id) || 0) + 1;
  seenIds.set(id, count);
  return {node, id, key: count === 1 ? id : `${id} (${count})`, verdict: node.dataset.verdict, index: Number(node.id.slice(1)), isDrawn: false};
});
const state = {query: "", hidden: new Set()}, buttons = new Map();

function filter() {
  const wanted = words(state.query);
  let count = 0;
  for (const row of rows) {
    if (wanted.length) row.text ??= (row.verdict + " " + row.node.textContent).toLowerCase();
    const isFound = !state.hidden.has(row.verdict) && wanted.every(word => row.text.includes(word));
    if (row.node.hidden === isFound) row.node.hidden = !isFound;
    count += isFound;
  }
  at("shown").textContent = count === rows.length ? "" : count ? `${count} of ${rows.length}` : `none of ${rows.length}: nothing is like this`;
  for (const [verdict, button] of buttons) button.setAttribute("aria-pressed", String(!state.hidden.has(verdict)));
}
const remember = () => hash.set({q: state.query, hide: [...state.hidden].join(), open: rows.filter(row => row.node.open).map(row => row.key)});
function fill(row) {
  if (row.isDrawn) return;
  row.isDrawn = true;
  const result = report().results[row.index];
  const place = row.node.querySelector(".latency"), plot = place && latencyPlot(result.latency_ms);
  if (plot) place.append(plot);
  if (result.story) row.node.querySelector(".more").append(storyOf(result));
  paintFresh();
}
// What the address says: at the beginning, and when a link of the page or the reader changes it.
function obey() {
  const place = /^#r(\d+)$/.exec(location.hash), values = hash.get();
  let wanted = null;
  if (place) {
    wanted = rows.find(row => row.index === Number(place[1]));
    if (wanted) { state.query = ""; state.hidden.clear(); wanted.node.open = true; }
  } else {
    state.query = values.get("q") || "";
    state.hidden = new Set((values.get("hide") || "").split(",").filter(verdict => VERDICTS.includes(verdict)));
    const open = new Set(values.getAll("open"));
    for (const row of rows) if (row.node.open !== open.has(row.key)) row.node.open = open.has(row.key);
    wanted = rows.find(row => row.node.open);
  }
  at("search").value = state.query;
  filter();
  if (wanted) { fill(wanted); wanted.node.scrollIntoView({block: "start"}); if (place) { wanted.node.firstElementChild.focus({preventScroll: true}); remember(); } }
}
if (at("tools")) {
  for (const verdict of VERDICTS) {
    const count = rows.filter(row => row.verdict === verdict).length;
    if (!count) continue;
    const button = make("button", verdict, `${verdict} ${count}`);
    button.type = "button";
    button.addEventListener("click", () => { if (!state.hidden.delete(verdict)) state.hidden.add(verdict); filter(); remember(); });
    buttons.set(verdict, button);
    at("tools").append(button);
  }
  at("search").addEventListener("input", () => { state.query = at("search").value; filter(); remember(); });
  for (const row of rows) row.node.addEventListener("toggle", () => { if (row.node.open) fill(row); remember(); });
  document.addEventListener("keydown", event => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); at("search").focus(); }
    if (event.key === "Escape" && event.target === at("search")) { at("search").value = state.query = ""; filter(); remember(); }
  });
  addEventListener("hashchange", obey);
  obey();
}
