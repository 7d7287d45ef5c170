// Buttons, selects and layout of messages: https://discord.com/developers/docs/components/reference

import { el, text } from "./dom.js";
import { openList } from "./list.js";
import { parts } from "./state.js";

export const [ROW, BUTTON, STRING, INPUT, USER, ROLE, , CHANNEL] = [1, 2, 3, 4, 5, 6, 7, 8];
const [SECTION, TEXT, SEPARATOR, CONTAINER] = [9, 10, 14, 17];
const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };
const LINK = 5;

/** Return the elements of a message's components. `use` is called with an act and its details. */
export function items(components, use, markdown) {
  return components.map((component) => {
    switch (component.type) {
      case ROW:
        return el("div", { class: "row" }, items(component.components, use, markdown));
      case BUTTON:
        return buttonElement(component, use);
      case SECTION:
        return el(
          "div",
          { class: "section" },
          el("div", {}, items(component.components, use, markdown)),
          items([component.accessory], use, markdown),
        );
      case TEXT:
        return el("div", { class: "content" }, markdown(component.content));
      case SEPARATOR:
        return component.divider === false ? el("div", { class: "gap" }) : el("hr");
      case CONTAINER: {
        const card = el("div", { class: "card" }, items(component.components, use, markdown));
        if (component.accent_color) {
          card.style.setProperty("--stripe", `#${component.accent_color.toString(16).padStart(6, "0")}`);
        }
        return card;
      }
      default:
        return selectElement(component, (values) => use("select", { item: component.custom_id, values }));
    }
  });
}

function buttonElement(button, use) {
  const label = [button.emoji?.name, button.label].filter(Boolean).join(" ");
  if (button.style === LINK) {
    return el("a", { class: "button", href: button.url, target: "_blank", rel: "noreferrer" }, label, " ↗");
  }
  return el(
    "button",
    {
      class: BUTTON_STYLES[button.style],
      "data-key": button.custom_id,
      disabled: button.disabled,
      onclick: (event) => {
        event.currentTarget.classList.add("waiting");
        use("click", { item: button.custom_id });
      },
    },
    label,
  );
}

/** Return the options of a select: its own ones, or the people, roles or channels that can be chosen. */
function optionsOf(select) {
  switch (select.type) {
    case USER:
      return parts.get("people").map(({ id, name }) => ({ label: name, value: id }));
    case ROLE:
      return Object.entries(parts.get("roles")).map(([id, name]) => ({ label: `@${name}`, value: id }));
    case CHANNEL:
      return parts
        .get("channels")
        .filter((channel) => channel.name)
        .map(({ id, name }) => ({ label: `#${name}`, value: id }));
    default:
      return select.options.map(({ label, value, description, emoji }) => ({
        label: [emoji?.name, label].filter(Boolean).join(" "),
        value,
        description,
      }));
  }
}

/** Return a select that shows what is chosen, and calls `choose` with the values after a choice. */
export function selectElement(select, choose) {
  const options = optionsOf(select);
  const preset = select.default_values?.map(({ id }) => id);
  const chosen = preset ?? (select.options ?? []).filter((option) => option.default).map(({ value }) => value);
  const shown = (values) => {
    const labels = options.filter(({ value }) => values.includes(value)).map(({ label }) => label);
    return labels.join(", ") || select.placeholder || text("choose");
  };
  const open = () =>
    openList(button, {
      options,
      chosen,
      least: select.min_values ?? 1,
      most: select.max_values ?? 1,
      label: select.placeholder ?? text("choose"),
      done: (values) => {
        label.textContent = shown(values);
        choose(values);
      },
    });
  const label = el("span", { class: chosen.length ? "" : "placeholder" }, shown(chosen));
  const button = el(
    "button",
    {
      class: "select",
      "data-key": select.custom_id,
      disabled: select.disabled,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      onclick: open,
    },
    label,
    el("span", { "aria-hidden": "true" }, "▾"),
  );
  return button;
}
