// The story of a play: who did what when, what came and what was lost, credit, memory, and how far each fault was felt.
const KINDS = {subscribe: "stream", stream: "stream", chat: "stream", stall: "stall", pause: "stall", slow: "stall", read: "stall", send: "send", burst: "send", publish: "send", say: "send", call: "send"};
const kindOf = what => Object.hasOwn(KINDS, what) ? KINDS[what] : (/cancel|close|rst|reset|goaway|truncate|flood|raw|signal|restart|kill|cut|stop/.test(what) ? "break" : /await|hold|sleep|barrier|wait/.test(what) ? "wait" : "other");
const KIND_NAMES = {stream: "stream open", send: "told to send", stall: "told to read slowly or not", break: "told to break or flood something", wait: "told to wait", other: "told something else"};
const isBad = end => end && end.status !== "OK";
const plain = value => value === null || value === undefined || value === "" ? "" : String(value);
const bucketAt = (actor, t) => actor.bucket_ms > 0 ? Math.floor(t / actor.bucket_ms) : 0;

function aboutActor(actor, t) {
  const lines = [actor.name];
  lines.push([actor.kind, actor.room && `room ${actor.room}`, actor.connection !== null && actor.connection !== undefined && `connection ${actor.connection}`, actor.transport].filter(part => part).join(", "));
  if (actor.bucket_ms) lines.push(["sent", "received", "lost"].map(flow => `${flow} ${actor.totals ? actor.totals[flow] : sum(actor[flow])}`).join(", "));
  if (t !== undefined) {
    const at = bucketAt(actor, t), now = ["sent", "received", "lost"].filter(flow => actor[flow][at]).map(flow => `${flow} ${actor[flow][at]}`);
    if (now.length) lines.push(`in these ${millis(actor.bucket_ms)}: ${now.join(", ")}`);
    for (const span of actor.spans.filter(span => span.at <= t && t <= (span.until ?? Infinity)).slice(0, 4)) lines.push(`${span.what}${span.text ? ": " + span.text : ""}`);
  }
  if (actor.end) lines.push(`ended with ${actor.end.status} at ${millis(actor.end.at)}${actor.end.text ? ": " + actor.end.text : ""}`);
  return lines;
}

// Lanes of all actors, by kind.
function lanes(story, wide) {
  const groups = new Map();
  if (story.steps?.length) groups.set("scenario", [{name: "waits for", kind: "scenario", spans: story.steps, sent: [], received: [], lost: [], end: null}]);
  for (const actor of story.actors) groups.set(actor.kind, [...(groups.get(actor.kind) || []), actor]);
  const count = story.actors.length, height = wide || count <= 14 ? 20 : count <= 36 ? 14 : count <= 120 ? 9 : 6;
  const list = [];
  let y = 34;
  for (const [kind, actors] of groups) {
    list.push({kind, count: actors.length, y});
    y += 17;
    for (const actor of actors) { list.push({actor, y, height}); y += height; }
    y += 5;
  }
  return {list, top: 34, bottom: y, height};
}
// A name for every lane where there is room; else of those that matter, then of some others.
function labels(layout, touched, faulty, left) {
  const taken = [], named = [];
  const rows = layout.list.filter(lane => lane.actor), weight = lane => faulty.has(lane.actor.name) ? 3 : touched.has(lane.actor.name) ? 2 : isBad(lane.actor.end) ? 1 : 0;
  for (const lane of [...rows].sort((a, b) => weight(b) - weight(a))) {
    const room = weight(lane) ? 11 : layout.height >= 14 ? 1 : 26, middle = lane.y + lane.height / 2;
    if (taken.some(other => Math.abs(other - middle) < Math.min(room, Math.max(room, 11)))) continue;
    taken.push(middle);
    named.push(draw("text", {class: touched.has(lane.actor.name) || faulty.has(lane.actor.name) ? "label end fail" : "label end", x: left - 10, y: middle + 3.6}, cutName(lane.actor.name, left - 14)));
  }
  return named;
}
function heat(ink, axisOf, actor, flow, max, y, height) {
  const list = actor[flow], level = i => list[i] ? Math.min(4, Math.ceil(4 * Math.sqrt(list[i] / max))) : 0;
  for (let i = 0; i < list.length;) {
    const now = level(i), from = i;
    while (i < list.length && level(i) === now) i++;
    if (now && axisOf.has(from * actor.bucket_ms, i * actor.bucket_ms)) ink.add(`heat ${flow} l${now}`, axisOf.x(from * actor.bucket_ms), y, Math.max(1.2, axisOf.x(i * actor.bucket_ms) - axisOf.x(from * actor.bucket_ms)), height);
  }
}
function paintLanes(story, axisOf, layout, marked) {
  const ink = inks(), late = inks(), {x, left, width, whole} = axisOf, maxima = {}, nodes = [];
  const touched = new Set(story.faults.flatMap(fault => fault.affected.flatMap(scope => scope.actors))), faulty = new Set(story.faults.map(fault => fault.actor));
  for (const flow of ["sent", "received", "lost"]) maxima[flow] = most(story.actors.flatMap(actor => actor[flow]), 1);
  for (const lane of layout.list) {
    if (!lane.actor) {
      nodes.push(draw("text", {class: "group", x: 0, y: lane.y + 12}, cut(`${lane.kind}${lane.count > 1 ? " \u00d7 " + lane.count : ""}`, width - RIGHT)));
      continue;
    }
    const {actor, y, height} = lane, upper = Math.round(height * .55), lower = Math.max(2, Math.round(height * .25));
    ink.add("rail", left, y + 1, width - left - RIGHT, height - 2);
    for (const span of actor.spans) {
      const kind = kindOf(span.what), from = x(span.at), until = Math.max(from + 1.5, x(span.until ?? whole));
      if (!axisOf.has(span.at, span.until ?? whole)) continue;
      if (kind === "stream") ink.add("span stream", from, y + 1, until - from, height - 2);
      else late.add("span " + kind, from, y + upper + 1, until - from, lower);
    }
    const flow = sum(actor.received) > 0 && actor.kind !== "publisher" ? "received" : "sent";
    heat(late, axisOf, actor, flow, maxima[flow], y + 1, upper);
    heat(late, axisOf, actor, "lost", maxima.lost, y + 1, upper);
    if (touched.has(actor.name)) late.add("touched", left - 6, y + 1, 3, height - 2);
    if (actor.end && axisOf.has(actor.end.at)) late.add(isBad(actor.end) ? "ending bad" : "ending", x(actor.end.at) - 1.5, y, 3.5, height);
  }
  nodes.push(...ink.nodes(), ...late.nodes(), ...labels(layout, touched, faulty, left));
  for (const fault of story.faults) {
    const lane = layout.list.find(one => one.actor && one.actor.name === fault.actor), from = x(fault.at);
    if (fault.until !== null && fault.until !== undefined && axisOf.has(fault.at, fault.until)) {
      nodes.push(draw("rect", {class: lane ? "struck" : "struck all", x: from, y: lane ? lane.y : layout.top - 3, width: Math.max(1, x(fault.until) - from), height: lane ? lane.height : 3}));
    }
    if (lane && axisOf.has(fault.at)) nodes.push(draw("path", {class: "hit", d: `M${(from - 4.5).toFixed(1)} ${lane.y + lane.height / 2}l4.5 -4.5l4.5 4.5l-4.5 4.5z`}));
  }
  const lane = marked && layout.list.find(one => one.actor === marked);
  if (lane) nodes.push(draw("rect", {class: "marked", x: left - 1, y: lane.y, width: width - left - RIGHT + 2, height: lane.height}));
  return nodes;
}
// Names of phases, numbers of faults and marks, above the lanes; what has no room is told by the pointer.
function paintHead(story, axisOf, layout) {
  const {x, whole} = axisOf, nodes = [];
  story.phases.forEach(phase => {
    const room = x(phase.until ?? whole) - x(phase.at);
    nodes.push(draw("text", {class: "phase", x: x(phase.at) + 3, y: 12}, cut(phase.name, room - 6)));
  });
  let last = -20;
  for (const mark of story.marks.filter(one => axisOf.has(one.at))) {
    nodes.push(draw("path", {class: "mark", d: `M${(x(mark.at)).toFixed(1)} 20v${layout.bottom - 20}`}), draw("path", {class: "mark-head", d: `M${(x(mark.at) - 3).toFixed(1)} 18h6l-3 5z`}));
  }
  story.faults.forEach((fault, i) => {
    const at = x(fault.at);
    if (!axisOf.has(fault.at)) return;
    nodes.push(draw("path", {class: story.faults.length > 8 ? "fault weak" : "fault", d: `M${at.toFixed(1)} 30V${layout.bottom}`}));
    if (at - last < 15) return;
    last = at;
    nodes.push(draw("circle", {class: "flag", cx: at, cy: 24, r: 7}), draw("text", {class: "flag-number", x: at, y: 27.5}, String(i + 1)));
  });
  return nodes;
}
function timeline(story, axisOf, pick) {
  let isWide = false, marked = null, layout = lanes(story, false);
  const label = `timeline of ${many(story.actors.length, "actor")} in ${millis(story.duration_ms)}, ${many(story.phases.length, "phase")}, ${many(story.faults.length, "fault")}; the table below has all of it`;
  const laneAt = y => layout.list.find(lane => lane.actor && y >= lane.y && y < lane.y + lane.height);
  const plot = axisOf.plot(label, () => ({height: layout.bottom + 20, nodes: [...axisOf.phases(0, layout.bottom), ...axisOf.times(layout.bottom, 16),
    ...paintLanes(story, axisOf, layout, marked), ...paintHead(story, axisOf, layout)]}), (t, y) => {
    const lane = laneAt(y), slack = 5 / (axisOf.width - axisOf.left) * (axisOf.end - axisOf.from), phase = axisOf.phaseAt(t);
    const when = `at ${millis(t)}${phase ? ", phase " + phase.name : ""}`;
    const near = [...story.faults.map((fault, i) => [fault.at, `fault ${i + 1}: ${fault.what}${fault.text ? ", " + fault.text : ""}`]),
      ...story.marks.map(mark => [mark.at, `mark ${mark.name}${mark.rss_bytes ? ": " + bytes(mark.rss_bytes) : ""}`])].filter(([at]) => Math.abs(at - t) <= slack).slice(0, 5).map(one => one[1]);
    return lane ? [...aboutActor(lane.actor, t), when, ...near] : [when, ...near];
  });
  const order = () => layout.list.filter(lane => lane.actor);
  plot.box.tabIndex = 0;
  plot.box.setAttribute("role", "group");
  plot.box.addEventListener("click", event => { if (plot.isDrag) return; const lane = laneAt(event.clientY - plot.box.getBoundingClientRect().top); if (lane && lane.actor.bucket_ms) pick(lane.actor); });
  plot.box.addEventListener("keydown", event => {
    const all = order(), i = all.findIndex(lane => lane.actor === marked);
    const next = {ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: all.length - 1, PageDown: i + 10, PageUp: i - 10}[event.key];
    if (event.key === "Enter" && marked?.bucket_ms) pick(marked);
    const half = (axisOf.end - axisOf.from) / 2, middle = axisOf.from + half;
    if (event.key === "+") axisOf.zoom(middle - half / 2, middle + half / 2);
    if (event.key === "-") axisOf.zoom(middle - half * 2, middle + half * 2);
    if (event.key === "Escape") { marked = null; tip.hidden = true; plot.paint(); }
    if (next === undefined) return;
    event.preventDefault();
    const lane = all[Math.max(0, Math.min(all.length - 1, next))];
    if (!lane) return;
    marked = lane.actor;
    plot.paint();
    const at = plot.box.getBoundingClientRect();
    if (at.top + lane.y < 60 || at.top + lane.y > innerHeight - 120) scrollBy(0, at.top + lane.y - innerHeight / 2);
    tell(aboutActor(marked), at.left + axisOf.left, plot.box.getBoundingClientRect().top + lane.y);
  });
  plot.box.addEventListener("blur", () => { tip.hidden = true; });
  let toggle = null;
  if (story.actors.length > 14) {
    toggle = make("button", "small", "tall lanes");
    toggle.type = "button";
    toggle.setAttribute("aria-pressed", "false");
    toggle.addEventListener("click", () => { isWide = !isWide; toggle.setAttribute("aria-pressed", String(isWide)); layout = lanes(story, isWide); plot.paint(); });
  }
  const mark = (actor, isFar) => {
    marked = actor;
    plot.paint();
    const lane = layout.list.find(one => one.actor === actor), y = lane ? plot.box.getBoundingClientRect().top + lane.y : 0;
    if (isFar && lane && (y < 60 || y > innerHeight - 40)) scrollBy(0, y - innerHeight / 3);
  };
  return {box: plot.box, toggle, mark};
}
function legend(story) {
  const kinds = new Set([...story.actors.flatMap(actor => actor.spans), ...(story.steps || [])].map(span => kindOf(span.what))), has = flow => story.actors.some(actor => sum(actor[flow]) > 0);
  const entry = (kind, text) => make("span", "", make("i", "key " + kind), text);
  return make("div", "legend faint", has("sent") && entry("heat sent l4", "sent"), has("received") && entry("heat received l4", "received"), has("lost") && entry("heat lost l4", "lost"),
    ...Object.keys(KIND_NAMES).filter(kind => kinds.has(kind)).map(kind => entry("span " + kind, KIND_NAMES[kind])), story.actors.some(a => a.end && !isBad(a.end)) && entry("ending", "ended OK"),
    story.actors.some(a => isBad(a.end)) && entry("ending bad", "ended otherwise"), story.faults.length > 0 && entry("flag", "fault"), story.faults.length > 0 && entry("touched", "affected by one"), story.marks.length > 0 && entry("mark-head", "mark"));
}
