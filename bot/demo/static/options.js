// The fields of a command's options.

import { el, fill, text } from "./dom.js";
import { act, parts } from "./state.js";

const [STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, NUMBER, ATTACHMENT] = [3, 4, 5, 6, 7, 8, 10, 11];

/** Return the field of an option: its element, and how to read and focus it. */
export function optionField(option, composer) {
  const id = `option-${option.name}`;
  const control = kindOf(option)(option, id, composer);
  const element = el(
    "div",
    { class: "option" },
    el("label", { for: id, title: option.description }, option.name),
    control.element,
    el("small", {}, option.description),
  );
  element.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if (event.key === "Escape") composer.cancel();
    else if (event.key === "Enter" && event.target.matches("input:not([type=file]), select")) composer.next(true);
    else return;
    event.preventDefault();
  });
  return { ...control, element };
}

function kindOf(option) {
  if (option.type === ATTACHMENT) return fileControl;
  if (option.autocomplete) return typedControl;
  return option.choices || [BOOLEAN, USER, CHANNEL, ROLE].includes(option.type) ? choiceControl : textControl;
}

function textControl(option, id) {
  const number = [INTEGER, NUMBER].includes(option.type);
  const input = el("input", {
    id,
    type: number ? "number" : "text",
    minlength: option.min_length,
    maxlength: option.max_length,
    min: option.min_value,
    max: option.max_value,
    autocomplete: "off",
  });
  return {
    element: input,
    filled: () => input.value.trim() !== "",
    value: () => (number ? Number(input.value) : input.value),
    focus: () => input.focus(),
  };
}

function choicesOf(option) {
  switch (option.type) {
    case BOOLEAN:
      return [[text("yes"), true], [text("no"), false]];
    case USER:
      return parts.get("people").map(({ name, id }) => [name, id]);
    case ROLE:
      return Object.entries(parts.get("roles")).map(([id, name]) => [name, id]);
    case CHANNEL:
      return parts.get("channels").filter(({ name }) => name).map(({ name, id }) => [`#${name}`, id]);
    default:
      return option.choices.map(({ name, value }) => [name, value]);
  }
}

function choiceControl(option, id) {
  const choices = choicesOf(option);
  const select = el(
    "select",
    { id },
    el("option", { value: "" }, text("choose")),
    choices.map(([name], at) => el("option", { value: String(at) }, name)),
  );
  return {
    element: select,
    filled: () => select.value !== "",
    value: () => choices[Number(select.value)][1],
    focus: () => select.focus(),
  };
}

/** A text for which the bot offers choices while it is typed. */
function typedControl(option, id, composer) {
  let value = "";
  let last = 0;
  const input = el("input", {
    id,
    autocomplete: "off",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
  });
  const list = el("div", { id: `${id}-list`, class: "choices", role: "listbox", "aria-label": text("choices"), hidden: true });
  const rows = () => [...list.querySelectorAll("[role=option]")];
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  const mark = (at) => {
    rows().forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    rows()[at]?.scrollIntoView({ block: "nearest" });
  };
  const marked = () => rows().findIndex((row) => row.getAttribute("aria-selected") === "true");
  const ask = async () => {
    const number = ++last;
    const details = { channel: composer.place(), name: composer.command.path, option: option.name, typed: input.value };
    const filled = Object.entries(composer.values(option.name)).filter(([, each]) => typeof each !== "object");
    let choices;
    try {
      choices = await act("choices", { ...details, options: Object.fromEntries(filled) });
    } catch {
      choices = null;
    }
    if (number !== last || !input.isConnected) return;
    const take = (choice) => {
      value = choice.value;
      input.value = choice.name;
      close();
      composer.next();
    };
    fill(
      list,
      (choices ?? []).map((choice) =>
        el("div", { role: "option", onmousedown: (event) => event.preventDefault(), onclick: () => take(choice) }, choice.name),
      ),
      !choices?.length && el("p", { class: "dim" }, text(choices ? "no_choices" : "no_answer")),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(0);
  };
  input.addEventListener("focus", () => value || ask());
  input.addEventListener("blur", close);
  input.addEventListener("input", () => {
    value = "";
    ask();
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden || !rows().length) return;
    if (event.key === "ArrowDown") mark(Math.min(marked() + 1, rows().length - 1));
    else if (event.key === "ArrowUp") mark(Math.max(marked() - 1, 0));
    else if (event.key === "Enter" || (event.key === "Tab" && !value)) rows()[marked()].click();
    else return;
    event.preventDefault();
  });
  return {
    element: el("div", { class: "typed" }, input, list),
    filled: () => input.value.trim() !== "",
    value: () => value || input.value,
    focus: () => input.focus(),
  };
}

/** A file: ready-made, dropped or picked. */
function fileControl(option, id, composer) {
  let file = null;
  const button = el("button", { id, class: "pick", onclick: () => composer.picker.click() }, text("pick"));
  return {
    element: button,
    filled: () => file !== null,
    value: () => file.given,
    focus: () => button.focus(),
    set: (given) => {
      file = given;
      button.replaceChildren(`📎 ${given.name}`);
      button.classList.add("filled");
      composer.next();
    },
  };
}
