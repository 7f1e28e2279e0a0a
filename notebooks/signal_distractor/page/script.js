"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const { signal, noise, steps_per_half_circle: halfCircle, parallel_below: parallelBelow } = data;
  const lastStep = 2 * halfCircle;
  const byId = (id) => document.getElementById(id);

  // ---- the computation, as netlens.signal_distractor.two_dimensions does it

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function covariance(a, b) {
    const meanA = mean(a);
    const meanB = mean(b);
    return mean(a.map((value, i) => (value - meanA) * (b[i] - meanB)));
  }

  const degrees = (vector) => (Math.atan2(vector[1], vector[0]) * 180) / Math.PI;

  function between(a, b) {
    return (Math.atan2(Math.abs(a[0] * b[1] - a[1] * b[0]), a[0] * b[0] + a[1] * b[1]) * 180) / Math.PI;
  }

  function evaluate(step) {
    const t = (Math.PI * step) / halfCircle;
    const distractor = [Math.cos(t), Math.sin(t)];
    const x1 = signal.map((value, i) => value + noise[i] * distractor[0]);
    const x2 = noise.map((value) => value * distractor[1]);
    const withTarget = [covariance(x1, signal), covariance(x2, signal)];
    const state = { step, distractor, x1, x2, pattern: withTarget, weight: null, fitted: null };
    if (Math.abs(distractor[1]) > parallelBelow) {
      state.weight = [1, -distractor[0] / distractor[1]];
      const c11 = covariance(x1, x1);
      const c12 = covariance(x1, x2);
      const c22 = covariance(x2, x2);
      const determinant = c11 * c22 - c12 * c12;
      state.fitted = [
        (c22 * withTarget[0] - c12 * withTarget[1]) / determinant,
        (c11 * withTarget[1] - c12 * withTarget[0]) / determinant,
      ];
    }
    return state;
  }

  // ---- words

  function show(number, digits = 1) {
    const text = Math.abs(number).toFixed(digits);
    return (number < 0 && Number(text) !== 0 ? "−" : "") + text + "°";
  }

  function multipleOfPi(step) {
    const multiple = Math.round((1000 * step) / halfCircle) / 1000;
    return multiple === 0 ? "0" : multiple === 1 ? "π" : `${multiple} π`;
  }

  function sentence(state) {
    const side = (angle) =>
      Number(Math.abs(angle).toFixed(1)) === 0 ? "along the signal" : show(Math.abs(angle)) + " from the signal";
    const pattern = "The fitted pattern lies " + side(degrees(state.pattern)) + ".";
    if (!state.weight) {
      return (
        "The weight is undefined here: signal and distractor lie on one line, and no weight recovers the target. " + pattern
      );
    }
    const weight = degrees(state.fitted);
    return "The weight lies " + side(weight) + ", at right angles to the distractor. " + pattern;
  }

  // ---- drawing

  function add(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  const UNIT = 50; // drawing units for 1 in the data
  const LIMIT = 4; // the axes run from -LIMIT to LIMIT
  const LENGTH = 2; // of every arrow, in the data's units
  const edge = UNIT * LIMIT;

  const plane = byId("plane");
  const clip = add(add(plane, "defs", {}), "clipPath", { id: "inside" });
  add(clip, "rect", { x: -edge, y: -edge, width: 2 * edge, height: 2 * edge });
  add(plane, "rect", { class: "box", x: -edge, y: -edge, width: 2 * edge, height: 2 * edge });
  add(plane, "path", { class: "zero", d: `M${-edge} 0H${edge}M0 ${-edge}V${edge}` });
  for (let tick = -LIMIT; tick <= LIMIT; tick += 2) {
    const label = String(tick).replace("-", "−");
    add(plane, "text", { class: "tick", x: tick * UNIT, y: edge + 22, "text-anchor": "middle" }, label);
    add(plane, "text", { class: "tick", x: -edge - 8, y: -tick * UNIT + 5, "text-anchor": "end" }, label);
  }
  const cloud = add(plane, "g", { "clip-path": "url(#inside)" });
  const points = signal.map((value) => {
    const step = Math.min(8, Math.floor(((value + 1) / 2) * 9));
    return add(cloud, "circle", { class: `point y${step}`, r: 3.6 });
  });
  const ramp = byId("ramp");
  for (let step = 0; step < 9; step += 1) {
    const part = document.createElement("span");
    part.style.background = `var(--y${step})`;
    ramp.appendChild(part);
  }

  // Wide arrows first: where two lie on each other, both are seen. `aside` (degrees) keeps s and a apart.
  const ARROWS = [
    { name: "signal", letter: "s", width: 14, head: 19, aside: -15 },
    { name: "distractor", letter: "d", width: 8, head: 14, aside: 0 },
    { name: "weight", letter: "w", width: 5, head: 11, aside: 0 },
    { name: "pattern", letter: "a", width: 2.6, head: 7.5, aside: 15 },
  ];
  const tip = LENGTH * UNIT;
  const arrows = {};
  for (const { name, letter, width, head, aside } of ARROWS) {
    const group = add(plane, "g", { id: `arrow-${name}` });
    const neck = tip - 1.6 * head;
    const outline = `M${tip} 0L${neck} ${head}V${-head}Z`;
    add(group, "path", { class: "halo", d: `M0 0H${neck}`, "stroke-width": width + 2.5 });
    add(group, "path", { class: "halo", d: outline, "stroke-width": 2.5 });
    add(group, "path", { class: `arrow ${name}`, d: `M0 0H${neck + 1}` });
    add(group, "path", { class: `head ${name}`, d: outline });
    arrows[name] = { group, aside, letter };
  }
  for (const name in arrows) {
    arrows[name].label = add(plane, "text", { class: "name", "aria-hidden": "true" }, arrows[name].letter);
  }
  const undefinedNote = add(plane, "text", { class: "undefined", x: 0, y: edge - 14 }, "w is undefined: s and d lie on one line");

  function point(name, vector) {
    const { group, label, aside } = arrows[name];
    const hidden = vector === null;
    group.style.display = label.style.display = hidden ? "none" : "";
    if (hidden) {
      group.removeAttribute("data-degrees");
      return;
    }
    const angle = degrees(vector);
    const at = ((angle + aside) * Math.PI) / 180;
    // d and w step outwards where s and a already stand
    const radius = aside === 0 && Math.abs(angle) < 30 ? 3.1 : 2.5;
    group.setAttribute("transform", `rotate(${-angle})`);
    group.setAttribute("data-degrees", angle);
    label.setAttribute("x", (radius * UNIT * Math.cos(at)).toFixed(2));
    label.setAttribute("y", (-radius * UNIT * Math.sin(at)).toFixed(2));
  }

  // ---- the curves over the whole circle

  const circle = byId("circle");
  const left = 58;
  const right = 448;
  const top = 12;
  const bottom = 212;
  const across = (step) => left + ((right - left) * step) / lastStep;
  const up = (angle) => top + ((bottom - top) * (90 - angle)) / 180;
  add(circle, "rect", { class: "box", x: left, y: top, width: right - left, height: bottom - top });
  for (const angle of [-90, -45, 0, 45, 90]) {
    add(circle, "path", { class: angle ? "grid" : "zero", d: `M${left} ${up(angle)}H${right}` });
    add(circle, "text", { class: "tick", x: left - 7, y: up(angle) + 5, "text-anchor": "end" }, show(angle, 0));
  }
  for (let quarter = 0; quarter <= 4; quarter += 1) {
    const step = (quarter * halfCircle) / 2;
    const anchor = quarter === 0 ? "start" : quarter === 4 ? "end" : "middle";
    add(circle, "text", { class: "tick", x: across(step), y: bottom + 22, "text-anchor": anchor },
      ["0", "π/2", "π", "3π/2", "2π"][quarter]);
  }
  const now = add(circle, "path", { class: "now" });
  add(circle, "path", { class: "line pattern", d: `M${left} ${up(0)}H${right}` });
  for (const start of [0, halfCircle]) {
    add(circle, "path", { class: "line", d: `M${across(start)} ${up(-90)}L${across(start + halfCircle)} ${up(90)}` });
    add(circle, "circle", { class: "gap", cx: across(start), cy: up(-90), r: 4 });
    add(circle, "circle", { class: "gap", cx: across(start + halfCircle), cy: up(90), r: 4 });
  }
  for (let step = 0; step <= lastStep; step += 1) {
    const state = evaluate(step);
    const x = across(step);
    const y = up(degrees(state.pattern));
    add(circle, "path", { class: "mark pattern", d: `M${x} ${y - 3.6}L${x + 3.6} ${y}L${x} ${y + 3.6}L${x - 3.6} ${y}Z` });
    if (state.fitted) add(circle, "circle", { class: "mark", cx: x, cy: up(degrees(state.fitted)), r: 2.6 });
  }
  add(circle, "text", { class: "label", x: across(0.8 * halfCircle), y: up(64), "text-anchor": "end" }, "weight w");
  add(circle, "text", { class: "label", x: across(1.5 * halfCircle) + 14, y: up(-16) }, "pattern a");

  // ---- one state on the page

  const slider = byId("turn");
  let telling;

  function cell(id, angle) {
    const element = byId(id);
    element.textContent = angle === null ? "undefined" : show(angle, 2);
    if (angle === null) element.removeAttribute("data-degrees");
    else element.setAttribute("data-degrees", angle);
  }

  function draw() {
    const state = evaluate(Number(slider.value));
    points.forEach((element, i) => {
      element.setAttribute("cx", (state.x1[i] * UNIT).toFixed(2));
      element.setAttribute("cy", (-state.x2[i] * UNIT).toFixed(2));
    });
    point("signal", [1, 0]);
    point("distractor", state.distractor);
    point("weight", state.weight);
    point("pattern", state.pattern);
    undefinedNote.style.display = state.weight ? "none" : "";

    const angle = Math.round((1800 * state.step) / halfCircle) / 10;
    byId("angle").textContent = `t = ${multipleOfPi(state.step)}` + (angle ? ` = ${angle}°` : "");
    slider.setAttribute("aria-valuetext", multipleOfPi(state.step));
    byId("back").disabled = state.step === 0;
    byId("on").disabled = state.step === lastStep;

    cell("weight-analytic", state.weight && degrees(state.weight));
    cell("weight-fitted", state.fitted && degrees(state.fitted));
    cell("pattern-analytic", 0);
    cell("pattern-fitted", degrees(state.pattern));
    cell("between-analytic", state.weight && between(state.weight, state.distractor));
    cell("between-fitted", state.fitted && between(state.fitted, state.distractor));
    byId("sentence").textContent = sentence(state);
    plane.setAttribute("aria-label", `Scatter of ${signal.length} points with four arrows. ${sentence(state)}`);
    now.setAttribute("d", `M${across(state.step)} ${top}V${bottom}`);

    // A screen reader hears where the slider came to rest, not every step on the way.
    clearTimeout(telling);
    telling = setTimeout(() => { byId("said").textContent = sentence(state); }, 300);
  }

  function move(by) {
    slider.value = Number(slider.value) + by;
    draw();
  }

  byId("count").textContent = signal.length;
  byId("seed").textContent = data.noise_seed;
  slider.max = lastStep;
  slider.value = data.start_step;
  slider.addEventListener("input", draw);
  byId("back").addEventListener("click", () => move(-1));
  byId("on").addEventListener("click", () => move(1));
  // A browser may put the slider back where it stood when the page was left.
  window.addEventListener("pageshow", draw);
  draw();
})();
