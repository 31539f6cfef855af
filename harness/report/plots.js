// Plots over the time of one play: they have the same axis, one below the other, and one cursor.
const RIGHT = 14, LETTER = 6.7; // px: the margin, and the width of a letter of the labels
const sum = list => list.reduce((a, b) => a + b, 0);
const most = (list, least) => list.reduce((a, b) => Math.max(a, b), least);
const cut = (text, px) => { const max = Math.floor(px / LETTER); text = shown(text); return text.length <= max ? text : max < 3 ? "" : text.slice(0, max - 1) + "\u2026"; };
// The same, of a name whose end tells it from others: "ninety[12]".
const cutName = (text, px) => { const max = Math.floor(px / LETTER); text = shown(text); return text.length <= max || max < 8 ? cut(text, px) : text.slice(0, max - 6) + "\u2026" + text.slice(-5); };
// Round numbers between the two, about `count` of them.
function ticks(from, end, count) {
  if (!(end > from)) return [from];
  const rough = (end - from) / count, power = 10 ** Math.floor(Math.log10(rough)), step = power * [1, 2, 5, 10].find(f => f * power >= rough), first = Math.ceil(from / step - 1e-9);
  return Array.from({length: Math.max(1, Math.floor(end / step + 1e-9) - first + 1)}, (_, i) => (first + i) * step);
}
const time = (ms, end) => end >= 10000 ? +(ms / 1000).toFixed(3) + " s" : end >= 1 ? +ms.toFixed(3) + " ms" : +(ms * 1000).toFixed(1) + " \u00b5s";

// Many rectangles of few kinds: a path for each kind, whatever their number.
function inks() {
  const paths = new Map();
  return {
    add(kind, x, y, w, h) {
      if (!(w > 0)) return;
      if (!paths.has(kind)) paths.set(kind, []);
      paths.get(kind).push(`M${x.toFixed(1)} ${y.toFixed(1)}h${w.toFixed(1)}v${h.toFixed(1)}h${(-w).toFixed(1)}z`);
    },
    nodes: () => [...paths].map(([kind, d]) => draw("path", {class: kind, d: d.join("")})),
  };
}

// One line of text by the pointer, or by what has the focus.
const tip = make("div", "tip");
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);
function tell(lines, x, y) {
  tip.replaceChildren(...lines.filter(line => line).map((line, i) => make("div", i ? "" : "strong", line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 6)) + "px";
  tip.style.top = Math.max(4, y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + "px";
}

// What is to be painted as soon as it has a place; later, a change of its width paints it anew.
const fresh = [];
const paintFresh = () => { for (const paint of fresh.splice(0)) paint(); };

// The plots of one story. told(plot, t, y): the lines to tell of that place.
function axis(story) {
  const whole = Math.max(story.duration_ms, ...story.actors.flatMap(a => a.end ? [a.end.at] : []), 0.001), plots = [];
  const self = {
    whole, from: 0, end: whole, left: 0, width: 0, zoomed: () => {},
    x: t => self.left + (Math.max(self.from, Math.min(t, self.end)) - self.from) / (self.end - self.from) * (self.width - self.left - RIGHT),
    t: x => Math.max(self.from, Math.min(self.end, self.from + (x - self.left) / (self.width - self.left - RIGHT) * (self.end - self.from))),
    has: (at, until = at) => until >= self.from && at <= self.end,
    zoom(from, end) {
      if (!(end - from > whole / 1e5)) return;
      self.from = Math.max(0, from);
      self.end = Math.min(whole, end);
      for (const plot of plots) plot.paint();
      self.zoomed(self.from > 0 || self.end < whole);
    },
    // Until when something came, was sent or was done to somebody.
    busy: Math.max(0, ...story.faults.map(fault => fault.at), ...story.actors.map(actor => actor.bucket_ms * (1 + Math.max(-1, ...["sent", "received", "lost"].map(flow => actor[flow].findLastIndex(n => n > 0)))))),
    // A drawing that is painted anew when its place gets another width. paint() returns {height, nodes}.
    plot(label, paint, told) {
      const box = make("div", "plot"), plot = {box, cursor: null};
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", shown(label));
      plot.paint = () => {
        if (!box.clientWidth) return;
        self.width = box.clientWidth;
        self.left = self.width < 560 ? 76 : 148;
        const {height, nodes} = paint();
        plot.width = self.width;
        plot.cursor = draw("path", {class: "cursor", d: ""});
        plot.height = height;
        box.replaceChildren(draw("svg", {viewBox: `0 0 ${self.width} ${height}`, height, "aria-hidden": "true"}, ...nodes, plot.cursor));
      };
      new ResizeObserver(() => requestAnimationFrame(() => { if (box.clientWidth !== plot.width) plot.paint(); })).observe(box);
      // A part of the time is chosen by drawing over it.
      box.addEventListener("pointerdown", event => { if (event.button === 0 && event.pointerType === "mouse") { plot.begin = event.clientX - box.getBoundingClientRect().left; event.preventDefault(); box.tabIndex >= 0 && box.focus({preventScroll: true}); } });
      box.addEventListener("pointerup", event => {
        const begin = plot.begin, x = event.clientX - box.getBoundingClientRect().left;
        plot.begin = undefined;
        plot.isDrag = begin !== undefined && Math.abs(x - begin) > 8;
        if (plot.isDrag) self.zoom(self.t(Math.min(begin, x)), self.t(Math.max(begin, x)));
      });
      box.addEventListener("dblclick", () => self.zoom(0, whole));
      box.addEventListener("pointermove", event => {
        const at = box.getBoundingClientRect(), t = self.t(event.clientX - at.left);
        if (plot.begin !== undefined && !(event.buttons & 1)) plot.begin = undefined;
        self.point(t, plot.begin === undefined ? t : self.t(plot.begin));
        const lines = told(t, event.clientY - at.top);
        if (lines) tell(lines, event.clientX, event.clientY); else tip.hidden = true;
      });
      box.addEventListener("pointerleave", () => { self.point(null); tip.hidden = true; });
      plots.push(plot);
      fresh.push(plot.paint);
      return plot;
    },
    point(t, other) {
      for (const plot of plots) plot.cursor?.setAttribute("d", t === null ? "" : `M${self.x(t).toFixed(1)} 0v${plot.height}H${self.x(other).toFixed(1)}v${-plot.height}z`);
    },
    phaseAt: t => story.phases.findLast(phase => phase.at <= t && t <= (phase.until ?? whole)),
    // Bands of the phases; every plot has them.
    phases: (y, height) => story.phases.map((phase, i) => draw("rect", {class: i % 2 ? "band odd" : "band", x: self.x(phase.at), y,
      width: Math.max(0, self.x(phase.until ?? whole) - self.x(phase.at)), height})),
    // The times of the axis, at the baseline y, with lines up to top.
    times(y, top) {
      return ticks(self.from, self.end, Math.max(2, Math.floor((self.width - self.left) / 110))).flatMap(t => {
        const x = self.x(t), isLast = x > self.width - 40;
        return [draw("path", {class: "grid", d: `M${x.toFixed(1)} ${top}V${y}`}),
          draw("text", {x: isLast ? self.width - 2 : x, y: y + 14, class: "faint " + (isLast ? "end" : x > self.left + 20 ? "middle" : "")}, time(t, whole))];
      });
    },
    faults: (y, height) => story.faults.filter(fault => self.has(fault.at)).map(fault => draw("path", {class: story.faults.length > 8 ? "fault weak" : "fault", d: `M${self.x(fault.at).toFixed(1)} ${y}v${height}`})),
  };
  return self;
}

const DOTS = {p50: "dot", p99: "dot late"};
// Percentiles on a logarithmic axis: a line a metric, from the least to the greatest known.
function latencyPlot(phases) {
  const lines = Object.entries(phases).flatMap(([phase, metrics]) => Object.entries(metrics).map(([metric, m]) => ({name: `${phase} ${metric}`, phase, metric, m,
    points: Object.entries(m).filter(([key, value]) => /^(p\d+|max)$/.test(key) && typeof value === "number")})));
  const values = lines.flatMap(line => line.points.map(point => point[1])).filter(value => value > 0);
  if (!values.length) return null;
  const low = Math.floor(Math.log10(Math.min(...values))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const box = make("div", "plot");
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", "latency percentiles on a logarithmic axis; the table before has the numbers");
  let width = 0;
  const paint = () => {
    if (!box.clientWidth || box.clientWidth === width) return;
    width = box.clientWidth;
    const left = width < 560 ? 76 : 148, bottom = 6 + lines.length * 18;
    const x = value => left + (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low) * (width - left - 34);
    const grid = Array.from({length: high - low + 1}, (_, i) => 10 ** (low + i)).flatMap(value => [
      draw("path", {class: "grid", d: `M${x(value).toFixed(1)} 2V${bottom}`}), draw("text", {class: "faint middle", x: x(value), y: bottom + 14}, millis(value))]);
    box.replaceChildren(draw("svg", {viewBox: `0 0 ${width} ${bottom + 20}`, height: bottom + 20, "aria-hidden": "true"}, ...grid, ...lines.flatMap((line, i) => {
      const y = 14 + i * 18, ends = line.points.map(point => x(point[1]));
      return [draw("text", {class: "label end", x: left - 8, y: y + 4}, `${cut(line.phase, left - 10 - (line.metric.length + 1) * LETTER)} ${line.metric}`),
        ends.length ? draw("path", {class: "range", d: `M${Math.min(...ends).toFixed(1)} ${y}H${Math.max(...ends).toFixed(1)}`}) : null,
        ...line.points.map(([key, value]) => draw("circle", {class: DOTS[key] || "dot rest", cx: x(value), cy: y, r: DOTS[key] ? 4 : 2.8}, draw("title", {}, `${line.name}: ${key} ${millis(value)}`))).reverse()];
    })));
  };
  new ResizeObserver(() => requestAnimationFrame(paint)).observe(box);
  fresh.push(paint);
  const rest = [...new Set(lines.flatMap(line => line.points.map(point => point[0])))].filter(key => !DOTS[key]);
  return make("div", "", make("div", "legend faint", make("span", "", make("i", "key dot"), "p50"), make("span", "", make("i", "key dot late"), "p99"),
    rest.length > 0 && make("span", "", make("i", "key dot rest"), rest.join(", ").replace("p999", "p99.9"))), box);
}
