// A list to choose from, which opens next to a button: for selects, menus and people.

import { el, text } from "./dom.js";

/**
 * Open a list at an element and call `done` with the values that were chosen.
 *
 * `options` have a label, a value, and perhaps a description. With `most` over 1, several can be chosen, `least` at
 * least. `chosen` are the values that are chosen now. The list closes by itself when something else is clicked.
 */
export function openList(anchor, { options, chosen = [], least = 1, most = 1, label, done }) {
  const values = new Set(chosen);
  const multiple = most > 1;
  const list = el("div", { class: "list", popover: "auto" });
  const box = el("div", { role: "listbox", "aria-label": label, "aria-multiselectable": multiple && "true" });
  list.append(box);

  const finish = () => {
    list.hidePopover();
    anchor.focus({ preventScroll: true });
    done([...values]);
  };
  const choose = (option, row) => {
    if (!multiple) values.clear();
    if (!values.delete(option.value) && values.size < most) values.add(option.value);
    row.setAttribute("aria-selected", values.has(option.value));
    if (!multiple) finish();
    else button.disabled = values.size < least;
  };
  for (const option of options) {
    const row = el(
      "div",
      { role: "option", tabindex: "-1", "aria-selected": String(values.has(option.value)) },
      el("span", { class: "label" }, option.label),
      option.description && el("small", {}, option.description),
    );
    row.addEventListener("click", () => choose(option, row));
    box.append(row);
  }
  if (!options.length) box.append(el("p", { class: "dim" }, text("nothing_to_choose")));
  const button = el("button", { class: "primary", onclick: finish }, text("done"));
  if (multiple) {
    button.disabled = values.size < least;
    list.append(button);
  }

  const rows = [...box.querySelectorAll("[role=option]")];
  list.addEventListener("keydown", (event) => {
    const at = rows.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next !== undefined) rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus();
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) rows[at].click();
    else return;
    event.preventDefault();
  });
  list.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    anchor.setAttribute("aria-expanded", "false");
    list.remove();
  });
  (anchor.closest("dialog") ?? document.body).append(list);
  list.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place(list, anchor);
  (rows.find((row) => row.getAttribute("aria-selected") === "true") ?? rows[0] ?? button).focus();
}

function place(list, anchor) {
  const at = anchor.getBoundingClientRect();
  const size = list.getBoundingClientRect();
  const below = innerHeight - at.bottom > size.height + 8 || at.top < innerHeight - at.bottom;
  list.style.minWidth = `${Math.min(at.width, innerWidth - 16)}px`;
  list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - list.offsetWidth - 8))}px`;
  list.style.top = below ? `${at.bottom + 4}px` : "auto";
  list.style.bottom = below ? "auto" : `${innerHeight - at.top + 4}px`;
  list.style.maxHeight = `${(below ? innerHeight - at.bottom : at.top) - 16}px`;
}
