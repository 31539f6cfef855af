// What every page of the harness shares. All text goes in as text nodes: nothing that a peer said can be markup.
document.documentElement.classList.add("has-js");
const at = id => document.getElementById(id);
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;
const shown = text => String(text).replace(unseen, c => Array.from(new TextEncoder().encode(c), b => "\\x" + b.toString(16).padStart(2, "0")).join(""));
// An element with its class and parts, which are nodes or text; null parts are left out.
function make(name, kind, ...parts) {
  const node = document.createElement(name);
  if (kind) node.className = kind;
  node.append(...parts.filter(part => part !== null && part !== undefined && part !== false).map(part => part instanceof Node ? part : shown(part)));
  return node;
}
// The same in SVG, with attributes in place of a class.
const template = document.createElement("template");
template.innerHTML = "<svg></svg>";
const space = template.content.firstChild.namespaceURI;
function draw(name, attributes, ...parts) {
  const node = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...parts.filter(part => part !== null && part !== undefined && part !== false).map(part => part instanceof Node ? part : shown(part)));
  return node;
}
function table(heads, rows) {
  return make("div", "wide", make("table", "", make("thead", "", make("tr", "", ...heads.map(head => make("th", head.endsWith(" ms") || head === "count" ? "number" : "", head)))),
    make("tbody", "", ...rows.map(row => make("tr", "", ...row.map(cell => make("td", typeof cell === "number" ? "number" : "", cell instanceof Node ? cell : String(cell ?? ""))))))));
}
const millis = ms => ms >= 10000 ? (ms / 1000).toFixed(1) + " s" : ms >= 100 ? ms.toFixed(0) + " ms" : ms >= 1 ? ms.toFixed(1) + " ms" : (ms * 1000).toFixed(0) + " \u00b5s";
const bytes = n => n >= 1048576 ? (n / 1048576).toFixed(1) + " MiB" : n >= 1024 ? (n / 1024).toFixed(1) + " KiB" : n + " B";
const many = (n, what, whats) => `${n} ${n === 1 ? what : whats || what + "s"}`;
// The state of the page in the hash of its address, so that a link can be shared.
const hash = {
  get: () => new URLSearchParams(location.hash.slice(1)),
  set(values) { // of each name a text or several; empty ones are left out
    const pairs = Object.entries(values).flatMap(([key, value]) => [value].flat().filter(one => one).map(one => [key, one]));
    const text = new URLSearchParams(pairs).toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  },
};
// Words of a search: all must be in the text.
const words = text => text.toLowerCase().split(/\s+/).filter(word => word);
// The report, read when it is wanted first: it may be large.
let read;
const report = () => read ??= JSON.parse(at("report").textContent);
