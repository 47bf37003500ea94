/**
 * The page's only script. Without it everything can be read; with it marks say at once what they are, long tables can
 * be filtered, and commands copied. It puts text into the page as text alone, so no name in a document can become code.
 */
export const SCRIPT = String.raw`"use strict";
(() => {
const make = (name, className, text) => {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
};

const tip = make("div", "tip", "");
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);
const place = (x, y) => {
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - width - 4)) + "px";
  tip.style.top = (y + 16 + height > innerHeight ? y - height - 10 : y + 16) + "px";
};
const show = (mark, x, y) => {
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  place(x, y);
};
const hide = () => { tip.hidden = true; };
// The nearest mark that says something; when it is first pointed at, the browser's own tip, late and a second one, goes.
const marked = (event) => {
  let at = event.target;
  for (; at instanceof SVGElement && !(at instanceof SVGSVGElement); at = at.parentElement) {
    const title = at.querySelector(":scope > title");
    if (title !== null) {
      at.dataset.tip = title.textContent;
      at.setAttribute("aria-label", title.textContent);
      at.setAttribute("role", "img");
      title.remove();
    }
    if ("tip" in at.dataset) return at;
  }
  return null;
};
document.addEventListener("pointermove", (event) => {
  const mark = marked(event);
  if (mark === null) hide(); else show(mark, event.clientX, event.clientY);
});
document.addEventListener("pointerleave", hide);
document.addEventListener("scroll", hide, true);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

const LONG = 9;
for (const table of document.querySelectorAll("table")) {
  const rows = [...table.tBodies[0].rows];
  if (LONG > rows.length) continue;
  const caption = table.caption.textContent;
  const box = make("p", "filter", "");
  const label = make("label", "", "Filter ");
  const input = make("input", "", "");
  input.type = "search";
  input.setAttribute("aria-label", "Filter: " + caption);
  const said = make("span", "soft", rows.length + " rows");
  said.setAttribute("role", "status");
  label.append(input);
  box.append(label, " ", said);
  table.parentElement.before(box);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) left++;
    }
    said.textContent = words.length === 0 ? rows.length + " rows" : left + " of " + rows.length + " rows";
  });
}

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
};
for (const command of document.querySelectorAll("pre.command")) {
  const box = make("div", "copy", "");
  const button = make("button", "", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy the command " + command.textContent);
  command.replaceWith(box);
  box.append(command, button);
  button.addEventListener("click", async () => {
    const done = await copied(command.textContent);
    if (!done) getSelection().selectAllChildren(command);
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// A link to evidence opens what it is folded in.
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at !== null; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target?.scrollIntoView();
};
addEventListener("hashchange", open);
if (location.hash !== "") open();

// Paper cannot be unfolded.
const folded = () => [...document.querySelectorAll("details:not([open])")];
let opened = [];
addEventListener("beforeprint", () => { opened = folded(); for (const one of opened) one.open = true; });
addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
})();
`;
