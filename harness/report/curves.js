// What came and what was lost, credit, memory, and the blast radius: the parts of a story below its timeline.
// What an actor, or all of them, sent and received and lost in each bucket; each with its own scale.
function delivery(story, axisOf) {
  const pick = make("select", "small"), first = make("option", "", `all ${many(story.actors.length, "actor")}`);
  pick.setAttribute("aria-label", "whose delivery");
  first.value = "";
  pick.append(first, ...story.actors.map((actor, i) => { const option = make("option", "", actor.name); option.value = String(i); return option; }));
  const flows = ["sent", "received", "lost"], chosen = () => pick.value === "" ? story.actors : [story.actors[Number(pick.value)]];
  const step = Math.max(0, ...story.actors.map(actor => actor.bucket_ms || 0));
  const added = flow => { const list = []; for (const actor of chosen()) actor[flow].forEach((n, i) => { list[i] = (list[i] || 0) + n; }); return list; };
  const plot = axisOf.plot("sent, received and lost messages over time", () => {
    const tall = 44, nodes = [];
    const used = flows.filter(flow => flow !== "lost" || story.actors.some(actor => sum(actor.lost) > 0)), bottom = used.length * (tall + 12);
    nodes.push(...axisOf.phases(0, bottom), ...axisOf.times(bottom, 0));
    used.forEach((flow, row) => {
      const list = added(flow), max = most(list, 1), base = (row + 1) * (tall + 12), ink = inks();
      list.forEach((n, i) => { if (n && axisOf.has(i * step, (i + 1) * step)) ink.add("bar " + flow, axisOf.x(i * step), base - Math.max(1, n / max * tall), Math.max(1, axisOf.x((i + 1) * step) - axisOf.x(i * step) - .6), Math.max(1, n / max * tall)); });
      nodes.push(draw("path", {class: "base", d: `M${axisOf.left} ${base}H${axisOf.width - RIGHT}`}), ...ink.nodes(),
        draw("text", {class: "label end", x: axisOf.left - 10, y: base - tall / 2}, flow), draw("text", {class: "faint end", x: axisOf.left - 10, y: base - tall / 2 + 14}, String(sum(list))),
        sum(list) ? draw("text", {class: "faint end small", x: axisOf.width - RIGHT, y: base - tall - 1}, `up to ${max}`) : null);
    });
    nodes.push(...axisOf.faults(0, bottom));
    return {height: bottom + 20, nodes: nodes.filter(node => node)};
  }, t => {
    const i = step > 0 ? Math.floor(t / step) : 0;
    return [`${time(i * step, axisOf.whole)} to ${time((i + 1) * step, axisOf.whole)}`, ...flows.map(flow => `${flow} ${added(flow)[i] || 0}`)];
  });
  pick.addEventListener("change", plot.paint);
  return {box: plot.box, pick, choose(actor) { pick.value = String(story.actors.indexOf(actor)); plot.paint(); }};
}

// How long credit was 0: from a point that says so to the next.
const dry = (window, end) => window.at.reduce((all, t, i) => window.bytes[i] <= 0 ? all + (window.at[i + 1] ?? end) - t : all, 0);
function windows(story, axisOf) {
  const order = [...story.windows].sort((a, b) => dry(b, axisOf.whole) - dry(a, axisOf.whole));
  let isAll = order.length <= 8;
  const tall = 30, some = () => isAll ? order : order.slice(0, 6);
  const name = window => `${window.actor ?? "connection " + window.connection}${window.stream ? " stream " + window.stream : window.actor ? " connection" : ""}`;
  const plot = axisOf.plot("credit that the server had left, over time; shaded where there was none", () => {
    const bottom = some().length * (tall + 8), nodes = [...axisOf.phases(0, bottom), ...axisOf.times(bottom, 0)];
    some().forEach((window, row) => {
      const base = (row + 1) * (tall + 8), max = most(window.bytes, 1), none = inks();
      let d = "", before = null;
      window.at.forEach((t, i) => {
        const x = axisOf.x(t), y = base - Math.max(0, window.bytes[i]) / max * tall, until = axisOf.x(window.at[i + 1] ?? axisOf.whole);
        d += before === null ? `M${x.toFixed(1)} ${y.toFixed(1)}` : `H${x.toFixed(1)}V${y.toFixed(1)}`;
        before = y;
        if (window.bytes[i] <= 0 && axisOf.has(t, window.at[i + 1] ?? axisOf.whole)) none.add("dry", x, base - tall, Math.max(1.5, until - x), tall);
      });
      if (window.at.length) d += `H${axisOf.x(axisOf.whole).toFixed(1)}`;
      nodes.push(...none.nodes(), draw("path", {class: "base", d: `M${axisOf.left} ${base}H${axisOf.width - RIGHT}`}), draw("path", {class: "credit", d}),
        draw("text", {class: "label end", x: axisOf.left - 10, y: base - tall / 2 + 1}, cutName(name(window), axisOf.left - 14)),
        draw("text", {class: "faint end", x: axisOf.left - 10, y: base - 2}, bytes(max)));
    });
    nodes.push(...axisOf.faults(0, bottom));
    return {height: bottom + 20, nodes};
  }, (t, y) => {
    const window = some()[Math.floor(y / (tall + 8))], i = window ? window.at.findLastIndex(one => one <= t) : -1;
    return window ? [name(window), `${millis(t)}: ${i < 0 ? "not known yet" : bytes(window.bytes[i]) + " left"}`, `without credit for ${millis(dry(window, axisOf.whole))} in all`] : [millis(t)];
  });
  let more = null;
  if (!isAll) {
    more = make("button", "small", `all ${order.length}`);
    more.type = "button";
    more.setAttribute("aria-pressed", "false");
    more.addEventListener("click", () => { isAll = !isAll; more.setAttribute("aria-pressed", String(isAll)); plot.paint(); });
  }
  return {box: plot.box, more, note: isAll ? null : "those that were without credit longest"};
}

function memory(story, axisOf) {
  const marks = story.marks.filter(mark => typeof mark.rss_bytes === "number");
  if (marks.length < 2) return null;
  const max = Math.max(...marks.map(mark => mark.rss_bytes)), min = Math.min(...marks.map(mark => mark.rss_bytes)), tall = 54, pad = Math.max((max - min) * .15, max * .01, 1);
  const y = value => 8 + tall - (value - min + pad) / (max - min + 2 * pad) * tall;
  return axisOf.plot(`memory of the server at the marks, ${bytes(min)} to ${bytes(max)}`, () => ({height: tall + 36, nodes: [...axisOf.phases(0, tall + 16), ...axisOf.times(tall + 16, 0),
    draw("text", {class: "faint end", x: axisOf.left - 10, y: y(max) + 4}, bytes(max)), max > min ? draw("text", {class: "faint end", x: axisOf.left - 10, y: y(min) + 4}, bytes(min)) : draw("g", {}),
    draw("path", {class: "credit", d: "M" + marks.map(mark => `${axisOf.x(mark.at).toFixed(1)} ${y(mark.rss_bytes).toFixed(1)}`).join("L")}),
    ...marks.filter(mark => axisOf.has(mark.at)).map(mark => draw("circle", {class: "dot", cx: axisOf.x(mark.at), cy: y(mark.rss_bytes), r: 4}))]}), t => {
    const near = marks.reduce((a, b) => Math.abs(b.at - t) < Math.abs(a.at - t) ? b : a);
    return [near.name, `${bytes(near.rss_bytes)}, ${near.fds ?? "?"} files open, at ${millis(near.at)}`];
  }).box;
}

// Who felt a fault, from the nearest to the farthest: stream, connection, room, server; the publisher beside them.
const SCOPES = ["same stream", "same connection", "same room", "same server", "publisher"];
function blast(fault, number, choose) {
  const scopes = [...fault.affected].sort((a, b) => SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope));
  const chips = scopes.map(scope => {
    const of = scope.of ?? scope.actors.length, judged = scope.judged ?? of;
    const kind = scope.count > 0 ? "fail" : judged > 0 ? "pass" : "skip";
    const words = of === 0 ? "nobody there" : scope.count > 0 ? `${scope.count} of ${of} affected` : judged === 0 ? `${of} there, nobody can tell` : judged < of ? `none of ${of} affected, ${judged} judged` : of === 1 ? "not affected" : `none of ${of} affected`;
    const names = scope.actors.slice(0, 12).map(name => { const button = make("button", "name code", name); button.type = "button"; button.addEventListener("click", () => choose(name)); return button; });
    return make("li", "scope " + kind, make("b", "", scope.scope), make("span", kind, words), scope.text && of > 0 ? make("bdi", "faint", scope.text) : null,
      names.length ? make("span", "names", ...names, scope.count > names.length && make("span", "faint", `and ${scope.count - names.length} more`)) : null);
  });
  const where = [fault.actor && `to ${fault.actor}${fault.count > 1 ? ` and ${fault.count - 1} more` : ""}`, !fault.actor && "to the server", fault.connection && `connection ${fault.connection}`,
    `at ${millis(fault.at)}${fault.until !== null && fault.until !== undefined ? " until " + millis(fault.until) : ""}`].filter(part => part).join(", ");
  return make("li", "blast", make("div", "", make("i", "flag", String(number)), make("b", "", fault.what), ` ${where}`, fault.text ? make("bdi", "faint", ` ${fault.text}`) : null), make("ul", "scopes", ...chips));
}

// Of many, those that others felt; the rest unfolds.
function blasts(faults, choose) {
  const isFar = fault => fault.affected.some(scope => scope.scope !== "same stream" && scope.count > 0), far = faults.filter(isFar);
  const first = faults.length <= 4 ? faults : far.length ? far.slice(0, 6) : faults.slice(0, 1), rest = faults.filter(fault => !first.includes(fault));
  const list = some => make("ul", "blasts", ...some.map(fault => blast(fault, faults.indexOf(fault) + 1, choose)));
  if (!rest.length) return [list(first)];
  const felt = rest.filter(isFar).length, more = make("details", "", make("summary", "faint", `${many(rest.length, "more fault")}, ${felt ? `${felt} of them felt by others` : "felt by nobody else"}`));
  more.addEventListener("toggle", () => { if (more.open && more.children.length === 1) more.append(list(rest)); });
  return [list(first), more];
}

function actorTable(story) {
  const rows = () => story.actors.map(actor => [make("code", "", actor.name), actor.kind, plain(actor.room), plain(actor.connection), plain(actor.transport),
    ...["sent", "received", "lost"].map(flow => actor.totals ? actor.totals[flow] : sum(actor[flow])), actor.end ? `${actor.end.status} at ${millis(actor.end.at)}${actor.end.text ? ": " + actor.end.text : ""}` : "",
    actor.spans.filter(span => kindOf(span.what) !== "stream").slice(0, 3).map(span => `${span.what} ${millis(span.at)}${span.until !== null ? " to " + millis(span.until) : ""}`).join("; ")]);
  const box = make("details", "", make("summary", "faint", `the ${many(story.actors.length, "actor")} as a table`));
  box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(table(["actor", "kind", "room", "connection", "transport", "sent", "received", "lost", "end", "what it did"], rows())); });
  return box;
}

function storyOf(result) {
  const story = result.story, axisOf = axis(story), box = make("div", "story"), title = (text, ...more) => make("div", "title", make("h3", "", text), ...more);
  const named = name => story.actors.find(actor => actor.name === name);
  let choose = () => {};
  const line = timeline(story, axisOf, actor => choose(actor)), flow = delivery(story, axisOf);
  choose = (actor, isFar) => { if (actor) { flow.choose(actor); line.mark(actor, isFar); } };
  const whole = make("button", "small", "the whole play"), busy = make("button", "small", `only the first ${millis(axisOf.busy)}`);
  whole.type = busy.type = "button";
  whole.hidden = true;
  busy.hidden = !(axisOf.busy > 0 && axisOf.busy < axisOf.whole * .6);
  whole.addEventListener("click", () => axisOf.zoom(0, axisOf.whole));
  busy.addEventListener("click", () => axisOf.zoom(0, axisOf.busy * 1.04));
  axisOf.zoomed = isPart => { whole.hidden = !isPart; };
  box.append(title("Timeline", line.toggle, busy, whole, make("span", "faint js-only", "draw over a part of the time to look closer, or press + and -")), legend(story), line.box, actorTable(story));
  const left = [[story.actors_left_out, "actor"], [story.faults_left_out, "fault"], [story.windows_left_out, "window"], [sum(story.actors.map(actor => actor.spans_left_out || 0)), "span"]].filter(one => one[0] > 0);
  if (left.length) box.append(make("p", "faint", `left out of this report: ${left.map(one => many(...one)).join(", ")}`));
  if (story.faults.length) box.append(title("How far each fault was felt"), ...blasts(story.faults, name => choose(named(name), true)));
  if (story.actors.some(actor => sum(actor.sent) + sum(actor.received) + sum(actor.lost) > 0)) box.append(title("Delivery", flow.pick), flow.box);
  if (story.windows.length) {
    const credit = windows(story, axisOf);
    box.append(title("Credit that the server had left", credit.more, credit.note && make("span", "faint", credit.note)), credit.box);
  }
  const used = memory(story, axisOf);
  if (used) box.append(title("Memory of the server"), used);
  else if (story.marks.length) box.append(title("Marks"), table(["mark", "at ms", "memory", "files open"], story.marks.map(mark => [mark.name, +mark.at.toFixed(1), mark.rss_bytes ? bytes(mark.rss_bytes) : "", plain(mark.fds)])));
  return box;
}
