"use strict";

/* The view of spatial attribution, one for the page and for the notebook: an image twice, a layer's positions over each;
   pointing at a position in one shows its attribution in the other. `data` is what netlens.publish.spatial_view makes. */
function spatialView(root, data, { pointed: firstPointed = null, onPoint = () => {} } = {}) {
  const SIDES = [0, 1]; // the earlier layer and the later one
  const LETTERS = ["A", "B"]; // the two classes
  const POSITIVE = [255, 92, 190];
  const NEGATIVE = [40, 205, 130];
  const OPAQUE = 230; // alpha of the largest magnitude
  const DRAG_PX = 8;

  // ---- what is shown

  const choice = { scene: 0, pair: 0, gradient: 0, classes: [0, 0] };
  let pinned = null; // {side, row, column}, kept until it is let go
  let hovered = null; // the same, under the mouse
  let telling;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);
  // Maps in which each zero is followed by how many there are in a row.
  function longZeros(text) {
    const content = bytes(text);
    let size = 0;
    for (let at = 0; at < content.length; at += 1) size += content[at] === 0 ? content[(at += 1)] : 1;
    const values = new Int8Array(size);
    let next = 0;
    for (let at = 0; at < content.length; at += 1) {
      if (content[at] === 0) next += content[(at += 1)];
      else values[next++] = content[at];
    }
    return values;
  }
  const decoded = new Map();
  const decode = (key, make) => decoded.get(key) ?? decoded.set(key, make()).get(key);

  const layerAt = (side) => data.layers[data.pairs[choice.pair][side]];
  const scene = () => data.scenes[choice.scene];

  // Attribution to the two chosen classes; null where the scene has only one.
  function classMaps(side) {
    const index = data.pairs[choice.pair][side];
    const { height, width } = data.layers[index];
    const key = ["classes", choice.scene, choice.gradient, index].join();
    const all = decode(key, () => floats(data.classes[choice.scene][choice.gradient][index]));
    const size = height * width;
    return choice.classes.map((place) =>
      place < scene().classes.length ? all.subarray(place * size, (place + 1) * size) : null);
  }

  // The attribution in the other layer of a position.
  function mapOf({ side, row, column }) {
    const key = ["between", choice.scene, choice.gradient, choice.pair].join();
    const { values, scales } = decode(key, () => {
      const packed = data.between[choice.scene][choice.gradient][choice.pair];
      return { values: longZeros(packed.values), scales: floats(packed.scales) };
    });
    const [source, target] = SIDES.map(layerAt);
    const sourceSize = source.height * source.width;
    if (side === 1) {
      const at = row * target.width + column;
      return Float32Array.from(values.subarray(at * sourceSize, (at + 1) * sourceSize),
        (value) => (value / data.full) * scales[at]);
    }
    const at = row * source.width + column;
    return Float32Array.from(scales, (scale, index) => (values[index * sourceSize + at] / data.full) * scale);
  }

  // ---- numbers and words

  function number(value) {
    const size = Math.abs(value);
    const text = size === 0 ? "0" : size < 0.001 || size >= 10000 ? size.toExponential(1) : String(Number(size.toPrecision(2)));
    return (value < 0 ? "−" : "") + text.replace("e-", "e−").replace("e+", "e");
  }

  const where = ({ row, column }) => `row ${row + 1}, column ${column + 1}`;
  const position = (index, layer) => ({ row: Math.floor(index / layer.width), column: index % layer.width });

  function extremes(values) {
    let largest = 0;
    let smallest = 0;
    values.forEach((value, index) => {
      if (value > values[largest]) largest = index;
      if (value < values[smallest]) smallest = index;
    });
    return { largest, smallest, most: Math.max(values[largest], -values[smallest]) };
  }

  const className = (which) => scene().classes[choice.classes[which]]?.name;
  const named = () => LETTERS.map((letter, which) => [letter, className(which)]).filter(([, name]) => name !== undefined);

  function sentence(current) {
    if (!current) {
      const classes = named().map(([letter, name]) => `${letter} ${name}`).join(" and ");
      const peaks = SIDES.map((side) => {
        const layer = layerAt(side);
        const found = classMaps(side).map((map, which) => {
          if (!map) return "";
          const { largest } = extremes(map);
          return map[largest] > 0 ? `${LETTERS[which]} at ${where(position(largest, layer))}` : `${LETTERS[which]} nowhere`;
        });
        return `in ${layer.label} most for ${found.filter(Boolean).join(", for ")}`;
      });
      return `Nothing is pointed at. Colours show which positions speak for ${classes}: ${peaks.join("; ")}.`;
    }
    const here = layerAt(current.side);
    const there = layerAt(1 - current.side);
    const values = mapOf(current);
    const { largest, smallest, most } = extremes(values);
    const start = `${here.label}, ${where(current)}`;
    if (!(most > 0)) {
      return current.side === 1
        ? `${start}: nothing in ${there.label} has any part in it.`
        : `${start}: it has no part in anything in ${there.label}.`;
    }
    const told = (index) => `${where(position(index, there))} (${number(values[index])})`;
    const words = current.side === 1 ? "draws most on" : "adds most to";
    const up = values[largest] > 0 ? `${words} ${there.label}, ${told(largest)}` : `adds to nothing in ${there.label}`;
    const down = values[smallest] < 0 ? `; most negative at ${told(smallest)}` : "; nowhere negative";
    return `${start}: ${up}${down}.`;
  }

  function caption(side, current) {
    if (!current) return "which positions speak for the classes";
    if (current.side !== side) {
      return side === 0 ? "where what is pointed at comes from" : "what becomes of what is pointed at";
    }
    const at = current.row * layerAt(side).width + current.column;
    const speaks = classMaps(side).map((map, which) => (map ? `${LETTERS[which]} ${number(map[at])}` : "")).filter(Boolean);
    return `pointed at: ${where(current)}; speaks for ${speaks.join(", ")}`;
  }

  // ---- colors

  // As netlens.spatial_attribution.two_classes: red and blue are the classes without negative parts, green their mean.
  function classPixels(maps, layer) {
    const size = layer.height * layer.width;
    const parts = maps.map((map) => Float32Array.from({ length: size }, (_, i) => (map ? Math.max(map[i], 0) : 0)));
    const greens = parts[0].map((a, i) => (a + parts[1][i]) / 2);
    const most = Math.max(...parts[0], ...parts[1]);
    const scale = 0.01 + most / 1.5;
    const pixels = new Uint8ClampedArray(4 * size);
    for (let i = 0; i < size; i += 1) {
      [parts[0][i], greens[i], parts[1][i]].forEach((value, channel) => {
        pixels[4 * i + channel] = 255 * Math.min(1, value / scale + 0.3);
      });
      // Where little speaks for either, the image is seen.
      pixels[4 * i + 3] = 70 + (most > 0 ? 130 * (Math.max(parts[0][i], parts[1][i]) / most) : 0);
    }
    return pixels;
  }

  function signedPixels(values) {
    const { most } = extremes(values);
    const pixels = new Uint8ClampedArray(4 * values.length);
    values.forEach((value, i) => {
      pixels.set(value < 0 ? NEGATIVE : POSITIVE, 4 * i);
      pixels[4 * i + 3] = most > 0 ? (OPAQUE * Math.abs(value)) / most : 0;
    });
    return pixels;
  }

  // ---- elements

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const key in attributes) {
      if (attributes[key] !== undefined) element.setAttribute(key, attributes[key]);
    }
    element.append(...children);
    return element;
  }

  function chooser(label, options, chosen, change) {
    const select = make("select", { autocomplete: "off" });
    options.forEach((text, index) => select.append(make("option", { value: index }, text)));
    select.value = chosen;
    select.addEventListener("change", () => change(Number(select.value)));
    return { select, element: make("label", { class: "sv-choice" }, make("span", {}, label), select) };
  }

  const choices = make("div", { class: "sv-choices" });
  const pictures = make("div", { class: "sv-pictures" });
  const told = make("p", { class: "sv-sentence" });
  const letGo = make("button", { type: "button", class: "sv-clear" }, "Let go");
  const legend = make("div", { class: "sv-legend", role: "group", "aria-label": "Legend" });
  const said = make("p", { class: "sv-said", role: "status" });
  // What the pictures show, as numbers.
  const rows = make("tbody");
  const table = make("details", { class: "sv-table" }, make("summary", {}, "The strongest positions as a table"),
    make("table", {}, make("thead", {}, make("tr", {},
      ...["layer", "position", "attribution of", "value"].map((text) => make("th", { scope: "col" }, text)))), rows));
  table.addEventListener("toggle", () => tabulate(hovered ?? pinned));
  const keys = make("p", { class: "sv-keys" },
    "Point at a position, or tap it; click to keep it. With the keyboard: Tab to a picture, then arrow keys, Home and End; Escape lets go.");

  const sides = SIDES.map((side) => {
    const title = make("b");
    const size = make("span");
    const image = make("img", { class: "sv-image", alt: "", draggable: "false" });
    const canvas = make("canvas", { class: "sv-map", role: "img" });
    const cell = make("span", { class: "sv-cell", hidden: "" });
    const tags = [0, 1].map(() => make("span", { class: "sv-tag", hidden: "", "aria-hidden": "true" }));
    const stage = make("div", { class: "sv-stage", tabindex: "0", role: "application", "aria-roledescription": "picture of positions" },
      image, canvas, cell, ...tags);
    const words = make("p", { class: "sv-caption" });
    pictures.append(make("figure", { class: "sv-picture", "data-side": side },
      make("figcaption", { class: "sv-title" }, title, " ", size), stage, words));
    return { side, title, size, image, canvas, cell, tags, stage, words };
  });

  // ---- drawing

  function put(element, layer, { row, column }) {
    element.hidden = false;
    element.style.left = `${(100 * column) / layer.width}%`;
    element.style.top = `${(100 * row) / layer.height}%`;
    element.style.width = `${100 / layer.width}%`;
    element.style.height = `${100 / layer.height}%`;
  }

  function mark(tag, text, layer, index) {
    put(tag, layer, position(index, layer));
    tag.textContent = text;
  }

  function drawSide(part, current) {
    const layer = layerAt(part.side);
    part.tags.forEach((tag) => { tag.hidden = true; });
    part.cell.hidden = true;
    const isOther = current && current.side !== part.side;
    let pixels;
    if (isOther) {
      const values = mapOf(current);
      const { largest, smallest, most } = extremes(values);
      pixels = signedPixels(values);
      if (values[largest] > 0) mark(part.tags[0], "+", layer, largest);
      // A tenth is what the eye still sees.
      if (values[smallest] < -most / 10) mark(part.tags[1], "−", layer, smallest);
    } else {
      const maps = classMaps(part.side);
      pixels = classPixels(maps, layer);
      maps.forEach((map, which) => {
        if (!map || current) return;
        const { largest } = extremes(map);
        if (map[largest] > 0) mark(part.tags[which], LETTERS[which], layer, largest);
      });
    }
    if (current && !isOther) {
      put(part.cell, layer, current);
      part.cell.dataset.kept = String(!hovered);
    }
    const { canvas } = part;
    canvas.width = layer.width;
    canvas.height = layer.height;
    canvas.getContext("2d", { willReadFrequently: true }).putImageData(new ImageData(pixels, layer.width, layer.height), 0, 0);
    canvas.dataset.shows = isOther ? "attribution" : "classes";
    part.words.textContent = caption(part.side, current);
    canvas.setAttribute("aria-label", `${layer.label}: ${part.words.textContent}`);
  }

  function bar(kind, label) {
    return make("div", { class: "sv-key", "data-kind": kind },
      make("span", { class: "sv-bar", "aria-hidden": "true" }), make("span", {}, label));
  }

  function drawLegend(current) {
    const entries = named().map(([letter, name], which) => {
      const { logit } = scene().classes[choice.classes[which]];
      return bar(`class${which}`, make("span", {}, make("b", {}, letter), ` speaks for ${name}`,
        make("span", { class: "sv-muted" }, ` (logit ${number(logit)})`)));
    });
    if (entries.length > 1) entries.push(bar("both", "for both"));
    let largest = "";
    if (current) {
      const { most } = extremes(mapOf(current));
      largest = most > 0 ? `, ±${number(most)} at full color` : "";
    }
    legend.replaceChildren(
      make("div", { class: "sv-keys-of" }, ...entries),
      make("div", { class: "sv-keys-of" },
        bar("signed", `attribution of what is pointed at: − negative, + positive${largest}`)),
    );
  }

  function tabulate(current) {
    if (!table.open) return;
    rows.replaceChildren(...SIDES.flatMap((side) => {
      const layer = layerAt(side);
      const maps = current && current.side !== side
        ? [[`${layerAt(current.side).label}, ${where(current)}`, mapOf(current)]]
        : classMaps(side).flatMap((map, which) => (map ? [[className(which), map]] : []));
      return maps.flatMap(([of, map]) => strongest(map).map((index) => make("tr", {},
        make("th", { scope: "row" }, layer.label),
        ...[where(position(index, layer)), of, number(map[index])].map((text) => make("td", {}, text)))));
    }));
  }

  // Indices of the largest magnitudes that are not zero.
  function strongest(map, count = 5) {
    return [...map.keys()].filter((index) => map[index] !== 0)
      .sort((one, other) => Math.abs(map[other]) - Math.abs(map[one])).slice(0, count);
  }

  function draw() {
    const current = hovered ?? pinned;
    sides.forEach((part) => drawSide(part, current));
    drawLegend(current);
    tabulate(current);
    const text = sentence(current);
    told.textContent = text;
    letGo.disabled = !pinned;
    // A screen reader hears where the pointer came to rest, not every position on the way.
    clearTimeout(telling);
    telling = setTimeout(() => { said.textContent = text; }, 300);
  }

  // The image or the layers are others: sizes, names, pictures.
  function arrange() {
    const { height, width, image, name, classes } = scene();
    sides.forEach((part) => {
      const layer = layerAt(part.side);
      part.title.textContent = layer.label;
      part.title.title = layer.name;
      part.size.textContent = `${layer.height} × ${layer.width} positions`;
      part.stage.setAttribute("aria-label", `Layer ${layer.name}, ${layer.height} rows by ${layer.width} columns`);
      part.stage.style.aspectRatio = `${width} / ${height}`;
      part.stage.style.setProperty("--sv-ratio", width / height);
      if (part.image.src !== image) part.image.src = image;
      part.image.alt = `${name}: ${classes.map((each) => each.name).join(", ")}`;
    });
    hovered = null;
    if (pinned && !inside(pinned)) pin(null);
  }

  const inside = ({ side, row, column }) => row < layerAt(side).height && column < layerAt(side).width;

  function pin(position) {
    pinned = position;
    onPoint(position);
  }

  // ---- choosing

  function classChoosers() {
    const { classes } = scene();
    choice.classes = [0, 1];
    return classes.length < 3 ? [] : LETTERS.map((letter, which) =>
      chooser(`Class ${letter}`, classes.map((each) => each.name), which, (chosen) => {
        choice.classes[which] = chosen;
        draw();
      }).element);
  }

  const ofScene = make("div", { class: "sv-of-scene" });

  function chooseScene(index) {
    choice.scene = index;
    ofScene.replaceChildren(...classChoosers());
    arrange();
    draw();
  }

  if (data.scenes.length > 0) {
    const group = `sv-scene-${(spatialView.count = (spatialView.count ?? 0) + 1)}`;
    const only = data.scenes.length === 1;
    const entries = data.scenes.map((each, index) => {
      const radio = make("input", { type: "radio", name: group, value: index, autocomplete: "off" });
      radio.checked = index === 0;
      radio.hidden = only;
      radio.addEventListener("change", () => chooseScene(index));
      const picture = make("img", { src: each.image, alt: only ? `${each.name}, in its own colors` : "" });
      const names = each.classes.map((known) => known.name).join(", ");
      return make("label", {}, radio, picture, make("span", {}, each.name, make("small", {}, names)));
    });
    choices.append(make("fieldset", { class: "sv-scenes" }, make("legend", {}, "Image"), ...entries));
  }
  const selects = make("div", { class: "sv-selects" });
  if (data.pairs.length > 1) {
    const names = data.pairs.map(([source, target]) => {
      const [from, to] = [data.layers[source], data.layers[target]];
      return `${from.label} (${from.height} × ${from.width}) → ${to.label} (${to.height} × ${to.width})`;
    });
    selects.append(chooser("Layers", names, 0, (chosen) => {
      choice.pair = chosen;
      arrange();
      draw();
    }).element);
  }
  if (data.gradients.length > 1) {
    selects.append(chooser("Gradient of max-pooling", data.gradients.map((each) => each.label), 0, (chosen) => {
      choice.gradient = chosen;
      draw();
    }).element);
  }
  selects.append(ofScene);
  choices.append(selects);

  // ---- pointing

  function cellAt(part, event) {
    const box = part.stage.getBoundingClientRect();
    const layer = layerAt(part.side);
    const at = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    // The stage has a border, which belongs to no position.
    const { clientLeft, clientTop, clientWidth, clientHeight } = part.stage;
    return {
      side: part.side,
      row: at((event.clientY - box.top - clientTop) / clientHeight, layer.height),
      column: at((event.clientX - box.left - clientLeft) / clientWidth, layer.width),
    };
  }

  const same = (one, other) =>
    one && other && one.side === other.side && one.row === other.row && one.column === other.column;

  sides.forEach((part) => {
    const { stage } = part;
    let touch = null; // where a finger came down, and whether it has been drawn across since

    stage.addEventListener("pointerdown", (event) => {
      touch = event.pointerType === "mouse" ? null : { x: event.clientX, dragged: false };
    });
    stage.addEventListener("pointermove", (event) => {
      const cell = cellAt(part, event);
      if (event.pointerType === "mouse") {
        if (same(hovered, cell)) return;
        hovered = cell;
      } else {
        if (!touch) return;
        touch.dragged ||= Math.abs(event.clientX - touch.x) > DRAG_PX;
        if (!touch.dragged || same(pinned, cell)) return;
        pin(cell);
      }
      draw();
    });
    stage.addEventListener("pointerleave", () => {
      if (!hovered) return;
      hovered = null;
      draw();
    });
    stage.addEventListener("click", (event) => {
      if (touch?.dragged) return;
      const cell = cellAt(part, event);
      pin(same(pinned, cell) ? null : cell);
      draw();
    });
    stage.addEventListener("keydown", (event) => {
      const layer = layerAt(part.side);
      if (event.altKey || event.metaKey) return;
      if (event.key === "Escape") {
        if (!pinned) return;
        pin(null);
      } else {
        const start = hovered?.side === part.side ? hovered : pinned?.side === part.side ? pinned : null;
        const middle = { row: Math.floor(layer.height / 2), column: Math.floor(layer.width / 2) };
        const steps = {
          ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
          Home: [event.ctrlKey ? -layer.height : 0, -layer.width], End: [event.ctrlKey ? layer.height : 0, layer.width],
          PageUp: [-layer.height, 0], PageDown: [layer.height, 0], Enter: [0, 0], " ": [0, 0],
        };
        const step = steps[event.key];
        if (!step) return;
        // The first arrow only finds the middle.
        const [down, across] = start || !event.key.startsWith("Arrow") ? step : [0, 0];
        const { row, column } = start ?? middle;
        const limit = (value, count) => Math.min(count - 1, Math.max(0, value));
        pin({ side: part.side, row: limit(row + down, layer.height), column: limit(column + across, layer.width) });
      }
      hovered = null;
      event.preventDefault();
      event.stopPropagation(); // a notebook has arrow keys of its own
      draw();
    });
  });
  letGo.addEventListener("click", () => {
    pin(null);
    hovered = null;
    draw();
  });

  root.classList.add("spatial-view");
  root.replaceChildren(choices, pictures, make("div", { class: "sv-told" }, told, letGo), legend, keys, table, said);
  chooseScene(0);
  if (firstPointed && inside(firstPointed)) {
    pinned = firstPointed;
    draw();
  }
  return { stop: () => clearTimeout(telling) };
}
