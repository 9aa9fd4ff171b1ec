// Elements. Text goes in as text, and only here: no string ever becomes markup.

// el("td.number", {title: "…"}, child, "text", …): a tag with classes, properties ("onclick") and attributes
// ("aria-label"), and children. null children are left out.
function el(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : visible(value));
    }
  }
  fill(element, children);
  return element;
}

function fill(element, children) {
  const nodes = children.filter((child) => child !== null && child !== undefined);
  element.replaceChildren(...nodes.map((child) => (child instanceof Node ? child : visible(child))));
}

function button(label, title, onclick, attributes = {}) {
  return el("button", { type: "button", title, onclick, ...attributes }, label);
}

// A size with its exact number of bytes at hand.
function bytesOf(bytes, none = "–") {
  return bytes === null ? none : el("span", { title: exactBytes(bytes) }, formatBytes(bytes));
}

function durationOf(ns) {
  return el("span", { title: `${formatCount(ns)} ns` }, formatDuration(ns));
}

// A colour of the style sheet, as canvases need it.
function cssColor(name) {
  const probe = document.getElementById("page");
  const before = probe.style.color;
  probe.style.color = `var(--${name})`;
  const color = getComputedStyle(probe).color;
  probe.style.color = before;
  return color;
}
