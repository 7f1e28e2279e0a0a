"use strict";

/* Networks as graphs, two views with one behaviour: the layers of a network, each telling what it is and how it sees an
   image when it is pointed at; and two networks side by side, joined by lines of similarity. `data` is what
   netlens.publish.graph_view makes. Pointing shows, a click or Enter keeps, Escape or a click elsewhere lets go. */
function graphView(root, data) {
  const SVG = "http://www.w3.org/2000/svg";
  const GAP_PX = 8; // between a layer and its tooltip, and between the tooltip and the window's edge
  const DRAG_PX = 8; // a finger that moved farther scrolled
  const LEAVE_MS = 150; // time to get from a layer into its tooltip
  const FAINT = 0.05; // opacity of the lines of layers that are not pointed at
  const aligned = data.view === "aligned";

  // ---- words

  const sizeOf = ({ height, width }) => (height > 0 ? `${height} × ${width}` : "");
  const positions = (node) => (sizeOf(node) ? `${sizeOf(node)} positions` : "no positions");
  const channels = (node) => `${node.channels} ${node.channels === 1 ? "channel" : "channels"}`;
  const describe = (node) => `${node.name}: ${data.kinds[node.kind]}, ${channels(node)}, ${positions(node)}`;
  const number = (value) => (value === 0 ? "0" : value < 0.005 ? value.toExponential(0).replace("e-", "e−") : value.toFixed(2));

  // ---- elements

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const key in attributes) {
      if (attributes[key] !== undefined) element.setAttribute(key, attributes[key]);
    }
    element.append(...children);
    return element;
  }

  function drawn(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  }

  function chooser(label, options, change) {
    const select = make("select", { autocomplete: "off" });
    options.forEach((text, index) => select.append(make("option", { value: index }, text)));
    select.value = 0;
    select.addEventListener("change", () => change(Number(select.value)));
    return make("label", { class: "gv-choice" }, make("span", {}, label), select);
  }

  // Where there is no room the end stays: it is what tells layers apart.
  const named = (node) => make("b", {}, make("bdi", { dir: "ltr" }, node.label));

  function pictures(node, caption = "cosine power") {
    if (node.kind === "input") {
      return make("div", { class: "gv-pictures" },
        make("figure", {}, make("img", { src: data.image.uri, alt: data.image.name }), make("figcaption", {}, "the image itself")));
    }
    if (!node.pictures.length) {
      const other = data.networks.map((each) => each.nodes).find((nodes) => nodes.includes(node))?.[node.stands_in];
      const none = make("p", { class: "gv-none" }, "There is no caricature of this layer.");
      if (!caption || !other?.pictures.length) return none;
      none.textContent = `There is no caricature of this layer. The nearest that has one is ${other.label}:`;
      return make("div", {}, none, pictures(other, caption));
    }
    return make("div", { class: "gv-pictures" }, ...node.pictures.map((source, power) =>
      make("figure", {},
        make("img", { src: source, alt: `Caricature of the image by ${node.name}, cosine power ${power}` }),
        caption ? make("figcaption", {}, `${caption} ${power}`) : "")));
  }

  function facts(node) {
    const entry = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
    return make("dl", { class: "gv-facts" }, entry("Kind", data.kinds[node.kind]), entry("Channels", String(node.channels)),
      entry("Size", positions(node)));
  }

  // ---- what is pointed at

  let units = []; // what can be pointed at: {node, button, column, order}
  let hovered = null;
  let focused = null; // by keyboard
  let pinned = null;
  let stop = null; // the one unit that Tab comes to
  let leaving;
  let telling;
  const current = () => hovered ?? focused ?? pinned;

  const lines = drawn("svg", { class: "gv-lines", "aria-hidden": "true" });
  const stage = make("div", { class: "gv-stage", role: "group" });
  const said = make("p", { class: "gv-said", role: "status" });

  function told() {
    const unit = current();
    units.forEach((each) => {
      each.button.classList.toggle("gv-on", each === unit);
      each.button.setAttribute("aria-pressed", String(each === pinned));
    });
    const words = show(unit);
    // A screen reader hears where the pointer came to rest, not every layer on the way.
    clearTimeout(telling);
    telling = setTimeout(() => { said.textContent = words; }, 300);
  }

  function letGo() {
    hovered = focused = pinned = null;
    told();
  }

  function comeTo(unit) {
    if (stop) stop.button.tabIndex = -1;
    stop = unit;
    unit.button.tabIndex = 0;
  }

  const later = (action) => {
    clearTimeout(leaving);
    leaving = setTimeout(action, LEAVE_MS);
  };
  const leave = () => later(() => {
    hovered = null;
    told();
  });

  function unitOf(node, column, content) {
    const button = make("button", { type: "button", class: "gv-node", "data-kind": node.kind, tabindex: "-1",
      "aria-label": describe(node), "aria-pressed": "false" }, ...content);
    const unit = { node, button, column, order: units.length };
    button.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "touch") return;
      clearTimeout(leaving);
      hovered = unit;
      told();
    });
    button.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") leave();
    });
    button.addEventListener("focus", () => {
      comeTo(unit);
      if (!button.matches(":focus-visible")) return;
      focused = unit;
      told();
    });
    button.addEventListener("blur", () => {
      if (focused !== unit) return;
      focused = null;
      told();
    });
    button.addEventListener("click", () => {
      pinned = pinned === unit ? null : unit;
      // A second tap closes what the first has opened.
      if (!pinned && !button.matches(":focus-visible")) hovered = null;
      told();
    });
    units.push(unit);
    stage.append(button);
    return unit;
  }

  stage.addEventListener("keydown", (event) => {
    const unit = units.find((each) => each.button === event.target);
    if (!unit || event.altKey || event.ctrlKey || event.metaKey) return;
    const goal = { Home: units[0], End: units[units.length - 1] }[event.key] ?? (event.key.startsWith("Arrow") && next(unit, event.key.slice(5)));
    if (!goal) return;
    event.preventDefault();
    hovered = null;
    goal.button.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !current()) return;
    letGo();
  });
  let touched = null;
  document.addEventListener("pointerdown", (event) => {
    touched = { x: event.clientX, y: event.clientY };
  });
  document.addEventListener("pointerup", (event) => {
    const moved = !touched || Math.hypot(event.clientX - touched.x, event.clientY - touched.y) > DRAG_PX;
    if (moved || !pinned || event.target.closest?.(".gv-node, .gv-tip, .gv-panel, .gv-choices")) return;
    pinned = null;
    told();
  });

  // What the views differ in.
  let show; // (unit or null) => the words for it
  let next; // (unit, "Up" | "Down" | "Left" | "Right") => unit or undefined
  let place; // () => puts everything where it belongs at this width

  // Starts over with other networks, pairs or measures.
  function clear() {
    units = [];
    hovered = focused = pinned = stop = null;
    stage.replaceChildren(lines);
    lines.replaceChildren();
  }

  function settle() {
    comeTo(units[0]);
    place();
    told();
  }

  // A smooth way down (or across, where `sideways`) through points; straight along each box.
  function path(points, sideways, half) {
    const at = (along, across) => (sideways ? `${along},${across}` : `${across},${along}`);
    let text = "";
    points.forEach(([along, across], index) => {
      const last = index === points.length - 1;
      if (index > 0) {
        const [before, beside] = points[index - 1];
        const [start, end] = [before + half, along - half];
        const middle = (start + end) / 2;
        text += ` C${at(middle, beside)} ${at(middle, across)} ${at(end, across)}`;
      }
      if (!last) text += `${index ? " L" : "M"}${at(along + half, across)}`;
    });
    return text;
  }

  // ---- one network, its layers telling in a tooltip

  function layersView() {
    const STEP_PX = 80; // the least length of a rank where ranks go sideways
    const TIP_PX = 344; // the tooltip's width where there is room, as in the style sheet
    const tip = make("div", { class: "gv-tip", role: "tooltip", id: "gv-tip", hidden: "" });
    const choices = make("div", { class: "gv-choices" });
    const legend = make("ul", { class: "gv-legend", "aria-label": "Kinds of layers" });
    const table = make("div");
    let network;
    let edges = [];
    let sideways = false;
    let beside = false; // whether there is room for the tooltip beside the whole graph

    tip.addEventListener("pointerenter", () => clearTimeout(leaving));
    tip.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") leave();
    });

    function moveTip() {
      const unit = current();
      if (!unit) return;
      const box = unit.button.getBoundingClientRect();
      const [width, height] = [document.documentElement.clientWidth, window.innerHeight];
      // A layer that has been scrolled away takes its tooltip along.
      tip.style.visibility = box.bottom < 0 || box.top > height ? "hidden" : "";
      const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
      const within = (value, size, room) => Math.max(GAP_PX, Math.min(value, room - size - GAP_PX));
      const middle = { left: box.left + box.width / 2 - wide / 2, top: box.top + box.height / 2 - high / 2 };
      const sides = {
        right: { left: box.right + GAP_PX, top: middle.top, room: width - box.right - wide },
        left: { left: box.left - GAP_PX - wide, top: middle.top, room: box.left - wide },
        below: { left: middle.left, top: box.bottom + GAP_PX, room: height - box.bottom - high },
        above: { left: middle.left, top: box.top - GAP_PX - high, room: box.top - high },
      };
      const graph = stage.getBoundingClientRect();
      if (beside) sides.beside = { left: graph.right + GAP_PX, top: middle.top, room: width - graph.right - wide };
      const order = beside ? ["beside"] : sideways ? ["below", "above", "right", "left"] : ["right", "left", "below", "above"];
      const best = order.find((side) => sides[side].room >= 2 * GAP_PX) ?? order.reduce((a, b) => (sides[a].room >= sides[b].room ? a : b));
      tip.dataset.side = best;
      tip.style.left = `${within(sides[best].left, wide, width)}px`;
      tip.style.top = `${within(sides[best].top, high, height)}px`;
    }
    window.addEventListener("scroll", moveTip, { passive: true });

    show = (unit) => {
      units.forEach((each) => {
        each.button.classList.remove("gv-near");
        each.button.removeAttribute("aria-describedby");
      });
      edges.forEach(({ edge, line }) => {
        const on = unit !== null && [edge.from, edge.to].includes(unit.order);
        line.classList.toggle("gv-on", on);
        if (on) units[edge.from === unit.order ? edge.to : edge.from].button.classList.add("gv-near");
      });
      tip.hidden = !unit;
      if (!unit) return "";
      tip.replaceChildren(make("p", { class: "gv-name" }, unit.node.name), facts(unit.node), pictures(unit.node));
      unit.button.setAttribute("aria-describedby", tip.id);
      tip.dataset.kept = String(unit === pinned);
      moveTip();
      return describe(unit.node);
    };

    // Along the connections, and from one to the next of the same rank.
    next = (unit, way) => {
      const along = sideways ? { Right: 1, Left: -1 } : { Down: 1, Up: -1 };
      if (way in along) {
        const forward = along[way] > 0;
        const reached = network.edges.filter((edge) => (forward ? edge.from : edge.to) === unit.order)
          .sort((one, other) => one.shortcut - other.shortcut);
        const plain = reached.filter((edge) => edge.shortcut === reached[0].shortcut).map((edge) => units[forward ? edge.to : edge.from]);
        const far = (each) => Math.abs(each.node.x - unit.node.x);
        return plain.reduce((one, other) => (far(other) < far(one) ? other : one), plain[0]);
      }
      const inOrder = [...units].sort((one, other) => one.node.y - other.node.y || one.node.x - other.node.x);
      return inOrder[inOrder.indexOf(unit) + (way === "Right" || way === "Down" ? 1 : -1)];
    };

    place = () => {
      const all = network.edges.flatMap((edge) => edge.points).concat(network.nodes.map(({ x, y }) => [x, y]));
      const columns = Math.max(...all.map(([x]) => x)) + 1;
      const ranks = Math.max(...all.map(([, y]) => y)) + 1;
      const room = stage.parentElement.clientWidth;
      const alone = columns === 1;
      sideways = alone && ranks * STEP_PX <= room;
      // Pictures where there is room for them: in a chain.
      const step = sideways
        ? { along: Math.min(room / ranks, 150), across: Math.min(room / ranks, 150) + 44 }
        : { along: alone ? 68 : 48, across: Math.min(room / columns, alone ? 320 : 165) };
      const [long, wide] = sideways
        ? [step.along - 22, step.across - 12]
        : [alone ? 50 : 28, Math.min(step.across - (room < 560 ? 5 : 14), alone ? 300 : 150)];
      const at = ([x, y]) => [(y + 0.5) * step.along, (x + 0.5) * step.across];
      const [length, breadth] = [ranks * step.along, columns * step.across];
      const [width, height] = sideways ? [length, breadth] : [breadth, length];
      stage.dataset.way = sideways ? "sideways" : "down";
      stage.dataset.alone = String(alone);
      // Where branches stand side by side a tooltip beside a layer would lie on its neighbours.
      const start = stage.parentElement.getBoundingClientRect().left;
      beside = !sideways && !alone && start + width + TIP_PX + 2 * GAP_PX <= document.documentElement.clientWidth;
      stage.style.marginLeft = beside ? "0" : "";
      stage.style.width = `${width}px`;
      stage.style.height = `${height}px`;
      lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
      units.forEach(({ node, button }) => {
        const [along, across] = at([node.x, node.y]);
        const [x, y, w, h] = sideways ? [along - long / 2, across - wide / 2, long, wide] : [across - wide / 2, along - long / 2, wide, long];
        Object.assign(button.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
      });
      edges.forEach(({ edge, line }) => line.setAttribute("d", path(edge.points.map(at), sideways, long / 2)));
      moveTip();
    };

    function thumbnail(node) {
      const source = node.kind === "input" ? data.image.uri : node.pictures.at(-1);
      return source ? make("img", { src: source, alt: "" }) : make("span", { class: "gv-blank" });
    }

    function tabulate() {
      const sources = network.nodes.map((_, index) => network.edges.filter((edge) => edge.to === index).map((edge) => network.nodes[edge.from].label));
      const head = ["Layer", "Kind", "Channels", "Size", "Takes from", "Caricatures"];
      const rows = network.nodes.map((node, index) => make("tr", {}, make("th", { scope: "row" }, node.name), make("td", {}, data.kinds[node.kind]),
        make("td", {}, String(node.channels)), make("td", {}, sizeOf(node) || "–"), make("td", {}, sources[index].join(", ") || "–"),
        make("td", {}, pictures(node, ""))));
      table.replaceChildren(make("details", { class: "gv-table" }, make("summary", {}, `All layers of ${network.name} as a table`),
        make("div", { class: "gv-scroll", tabindex: "0", role: "region", "aria-label": `Layers of ${network.name}` },
          make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows)))));
    }

    function choose(index) {
      network = data.networks[index];
      clear();
      edges = network.edges.map((edge) => {
        const line = drawn("path", { class: edge.shortcut ? "gv-edge gv-shortcut" : "gv-edge" });
        lines.append(line);
        return { edge, line };
      });
      network.nodes.forEach((node) => unitOf(node, 0, [thumbnail(node), named(node),
        // The button's name says this without abbreviations; they are drawn by the style sheet, so that they are no part of it.
        make("small", { "aria-hidden": "true" }, ...[`${node.channels} ch`, sizeOf(node)].filter(Boolean).map((text) => make("span", { "data-words": text })))]));
      stage.setAttribute("aria-label", `Graph of ${network.name}, ${network.nodes.length} layers from the image on; arrow keys go from layer to layer`);
      const kinds = Object.keys(data.kinds).filter((kind) => network.nodes.some((node) => node.kind === kind));
      legend.replaceChildren(...kinds.map((kind) => make("li", { "data-kind": kind }, data.kinds[kind])),
        ...(network.edges.some((edge) => edge.shortcut) ? [make("li", { class: "gv-shortcut-key" }, "shortcut around layers")] : []));
      tabulate();
      settle();
    }

    choices.append(make("figure", { class: "gv-image" }, make("img", { src: data.image.uri, alt: data.image.name }),
      make("figcaption", {}, make("b", {}, "The image"), make("span", {}, data.image.name))));
    if (data.networks.length > 1) {
      choices.append(chooser("Network", data.networks.map((each) => `${each.name} (${each.nodes.length} layers)`), choose));
    }
    root.replaceChildren(choices, legend, make("div", { class: "gv-frame" }, stage),
      make("p", { class: "gv-keys" }, "Point at a layer, or tap it; click to keep its tooltip. With the keyboard: Tab to the graph, arrow keys from layer to layer, Enter keeps, Escape closes."),
      table, tip, said);
    choose(0);
  }

  // ---- two networks, their layers joined by lines

  function alignedView() {
    const ROW_PX = 46;
    const WIDEST_PX = 5; // width of the strongest line
    const choice = { pair: 0, measure: 0 };
    const panel = make("div", { class: "gv-panel" });
    const heads = [0, 1].map(() => make("b"));
    const summary = make("p", { class: "gv-summary" });
    const table = make("div");
    const values = () => data.pairs[choice.pair].values[data.measures[choice.measure].name];
    const networkAt = (column) => data.networks[data.pairs[choice.pair].ends[column]];
    const measured = () => data.measures[choice.measure].label;
    let links = []; // {line, ends: [unit, unit], value}
    let chains = [];

    const valueOf = (one, other) => (one.column === 0 ? values()[one.place][other.place] : values()[other.place][one.place]);
    const partners = (unit) => units.filter((each) => each.column !== unit.column);
    const best = (unit) => partners(unit).reduce((one, other) => (valueOf(unit, other) > valueOf(unit, one) ? other : one));
    const largest = () => Math.max(...values().flat());

    function end(unit, title) {
      return make("div", { class: "gv-end" }, make("p", { class: "gv-title" }, title), make("p", { class: "gv-name" }, unit.node.name),
        make("p", { class: "gv-small" }, [data.kinds[unit.node.kind], channels(unit.node), sizeOf(unit.node)].filter(Boolean).join(", ")), pictures(unit.node, "power"));
    }

    show = (unit) => {
      // A layer that is pointed at is seen by itself: its lines are scaled by the largest among them.
      const top = unit ? valueOf(unit, best(unit)) : largest();
      links.forEach(({ line, ends, value, isBest }) => {
        const on = ends.includes(unit);
        const share = unit && !on ? FAINT : top > 0 ? value / top : 0;
        line.classList.toggle("gv-on", on);
        line.classList.toggle("gv-best", unit ? on && ends.includes(best(unit)) : isBest);
        line.style.strokeOpacity = share;
        line.style.strokeWidth = `${1 + (WIDEST_PX - 1) * share}px`;
      });
      units.forEach((each) => {
        const other = unit && each.column !== unit.column;
        each.tag.textContent = other ? number(valueOf(unit, each)) : "";
        each.tag.classList.toggle("gv-most", Boolean(other) && each === best(unit));
        each.button.classList.toggle("gv-near", Boolean(other) && each === best(unit));
      });
      // With nothing pointed at: the pair with the largest value.
      const from = unit ?? links.reduce((one, other) => (other.value > one.value ? other : one)).ends[0];
      const to = best(from);
      const value = number(valueOf(from, to));
      const [here, there] = [networkAt(from.column).name, networkAt(to.column).name];
      const words = unit
        ? `${from.node.label} of ${here}: most similar in ${there} is ${to.node.label}, ${measured()} ${value}.`
        : `Nothing is pointed at. The most similar layers are ${from.node.label} of ${here} and ${to.node.label} of ${there}, ${measured()} ${value}.`;
      panel.replaceChildren(make("p", { class: "gv-words" }, words), end(from, here), end(to, there));
      return words;
    };

    next = (unit, way) => {
      if (way === "Up" || way === "Down") {
        const column = units.filter((each) => each.column === unit.column);
        return column[column.indexOf(unit) + (way === "Down" ? 1 : -1)];
      }
      return (way === "Right") === (unit.column === 0) ? best(unit) : undefined;
    };

    place = () => {
      const width = stage.parentElement.clientWidth;
      const counts = [0, 1].map((column) => networkAt(column).nodes.length);
      const rows = Math.max(...counts);
      const height = rows * ROW_PX;
      const box = { width: Math.min(132, Math.max(72, width * 0.26)), height: 32 };
      const outer = 14; // for arcs outside of the columns
      stage.style.width = `${width}px`;
      stage.style.height = `${height}px`;
      lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
      units.forEach((unit) => {
        // By depth: the first layers beside each other, and the last.
        const share = counts[unit.column] > 1 ? unit.place / (counts[unit.column] - 1) : 0.5;
        unit.y = ROW_PX / 2 + share * (height - ROW_PX);
        unit.x = unit.column === 0 ? outer + box.width : width - outer - box.width;
        const left = unit.column === 0 ? outer : width - outer - box.width;
        Object.assign(unit.button.style, { left: `${left}px`, top: `${unit.y - box.height / 2}px`, width: `${box.width}px`, height: `${box.height}px` });
        Object.assign(unit.tag.style, unit.column === 0 ? { left: `${unit.x + 5}px`, right: "" } : { right: `${width - unit.x + 5}px`, left: "" });
        unit.tag.style.top = `${unit.y}px`;
      });
      links.forEach(({ line, ends: [one, other] }) => line.setAttribute("d", `M${one.x},${one.y} L${other.x},${other.y}`));
      chains.forEach(({ line, one, other }) => {
        const middle = one.column === 0 ? outer + box.width / 2 : width - outer - box.width / 2;
        const side = one.column === 0 ? outer : width - outer;
        const bow = one.column === 0 ? -18 : 18;
        line.setAttribute("d", other.place === one.place + 1
          ? `M${middle},${one.y + box.height / 2} L${middle},${other.y - box.height / 2}`
          : `M${side},${one.y} C${side + bow},${one.y} ${side + bow},${other.y} ${side},${other.y}`);
      });
    };

    function tabulate() {
      const [first, second] = [0, 1].map(networkAt);
      const head = make("tr", {}, make("th", { scope: "col" }, `${first.name} ↓, ${second.name} →`),
        ...second.nodes.map((node) => make("th", { scope: "col" }, node.label)));
      const rows = values().map((row, index) => {
        const most = Math.max(...row);
        return make("tr", {}, make("th", { scope: "row" }, first.nodes[index].label),
          ...row.map((value) => make("td", {}, value === most ? make("b", {}, number(value)) : number(value))));
      });
      const title = `Similarity of ${first.name} with ${second.name}, ${measured()}, as a table`;
      const open = table.querySelector("details")?.open;
      table.replaceChildren(make("details", { class: "gv-table" }, make("summary", {}, title),
        make("div", { class: "gv-scroll", tabindex: "0", role: "region", "aria-label": title },
          make("table", { class: "gv-matrix" }, make("thead", {}, head), make("tbody", {}, ...rows)),
          make("p", { class: "gv-small" }, "Bold: the most similar in each row."))));
      table.querySelector("details").open = Boolean(open);
    }

    function arrange() {
      const kept = pinned && [pinned.column, pinned.node.name];
      clear();
      [0, 1].forEach((column) => {
        networkAt(column).nodes.forEach((node, index) => {
          const unit = unitOf(node, column, [named(node)]);
          unit.place = index;
          unit.button.setAttribute("aria-label", `${networkAt(column).name}, ${describe(node)}`);
          unit.tag = make("span", { class: "gv-value", "aria-hidden": "true" });
          stage.append(unit.tag);
        });
        heads[column].replaceChildren(...networkAt(column).name.split(/(?<=[_-])/).flatMap((part) => [part, make("wbr")]));
      });
      const [first, second] = [0, 1].map((column) => units.filter((unit) => unit.column === column));
      links = first.flatMap((one) => {
        const partner = best(one);
        return second.map((other) => ({ ends: [one, other], value: valueOf(one, other), isBest: other === partner }));
      }).sort((one, other) => one.isBest - other.isBest || one.value - other.value);
      links.forEach((link) => {
        link.line = drawn("path", { class: "gv-link" });
        lines.append(link.line);
      });
      chains = [first, second].flatMap((column, index) => networkAt(index).edges.map((edge) => {
        const line = drawn("path", { class: edge.shortcut ? "gv-edge gv-shortcut" : "gv-edge" });
        lines.append(line);
        return { line, one: column[edge.from], other: column[edge.to] };
      }));
      stage.setAttribute("aria-label", `Layers of ${networkAt(0).name} and of ${networkAt(1).name}; up and down go through a network, left and right to the most similar layer of the other`);
      summary.textContent = `Opacity and width of a line: ${measured()} similarity, in full at the largest, ${number(largest())}, and at its own largest where a layer is pointed at. Orange: the most similar layer of ${networkAt(1).name} to each of ${networkAt(0).name}.`;
      if (kept) pinned = units.find((unit) => unit.column === kept[0] && unit.node.name === kept[1]) ?? null;
      tabulate();
      settle();
      if (pinned) comeTo(pinned);
    }

    const choices = make("div", { class: "gv-choices" });
    if (data.pairs.length > 1) {
      choices.append(chooser("Networks", data.pairs.map(({ ends: [one, other] }) =>
        `${data.networks[one].name} and ${one === other ? "itself" : data.networks[other].name}`), (index) => {
        choice.pair = index;
        arrange();
      }));
    }
    if (data.measures.length > 1) {
      choices.append(chooser("Measure", data.measures.map((each) => each.label), (index) => {
        choice.measure = index;
        arrange();
      }));
    }
    choices.append(make("figure", { class: "gv-image" }, make("img", { src: data.image.uri, alt: data.image.name }),
      make("figcaption", {}, make("b", {}, "The image of the caricatures"), make("span", {}, data.image.name))));
    root.replaceChildren(choices,
      make("div", { class: "gv-aligned" },
        make("div", {}, make("div", { class: "gv-heads" }, ...heads), make("div", { class: "gv-frame" }, stage), summary),
        panel),
      make("p", { class: "gv-keys" }, "Point at a layer, or tap it; click to keep it. With the keyboard: Tab to the graphs, arrow keys from layer to layer, Enter keeps, Escape lets go."),
      table, said);
    arrange();
  }

  root.classList.add("graph-view");
  (aligned ? alignedView : layersView)();
  let before = 0;
  new ResizeObserver(() => {
    // Only widths matter; heights follow from them.
    if (stage.parentElement.clientWidth !== before) place();
    before = stage.parentElement.clientWidth;
  }).observe(stage.parentElement);
}
