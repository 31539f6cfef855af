// Search and filters over the rows that are there without a script; their state is in the address of the page.
const GROUPS = {newly_failing: "newly failing", newly_passing: "newly passing", differs: "differs", only_a: "only in A", only_b: "only in B", same: "same"};
const KINDS = {newly_failing: "fail", newly_passing: "pass", differs: "inconclusive"};
const rows = [...document.querySelectorAll(".pairs tr[data-group]")].map(node => ({node, group: node.dataset.group, text: node.textContent.toLowerCase()}));
const off = new Set(hash.get().getAll("hide")), buttons = new Map();
function filter() {
  const wanted = words(at("search").value);
  let count = 0;
  for (const row of rows) {
    row.node.hidden = off.has(row.group) || !wanted.every(word => row.text.includes(word));
    count += row.node.hidden ? 0 : 1;
  }
  for (const [group, button] of buttons) button.setAttribute("aria-pressed", String(!off.has(group)));
  at("shown").textContent = count === rows.length ? "" : `${count} of ${rows.length} scenarios shown`;
  if (wanted.length && at("quiet")) at("quiet").open = true;
  hash.set({q: at("search").value, hide: [...off]});
}
for (const [group, name] of Object.entries(GROUPS)) {
  const count = rows.filter(row => row.group === group).length;
  if (!count) continue;
  const button = make("button", KINDS[group] || "", `${name} ${count}`);
  button.type = "button";
  button.addEventListener("click", () => {
    if (!off.delete(group)) off.add(group);
    filter();
  });
  buttons.set(group, button);
  at("tools").append(button);
}
at("search").value = hash.get().get("q") || "";
at("search").addEventListener("input", filter);
filter();
