// A form that the bot opens (Discord's "modal").

import { el, text } from "./dom.js";
import { INPUT, selectElement } from "./items.js";
import { markdown } from "./markdown.js";
import { act } from "./state.js";

const LABEL = 18;
const TEXT = 10;
const PARAGRAPH = 2;

/** Open a form, and submit it with what was entered. `next` gets a form that the bot opens after that. */
export function openForm(form, next) {
  const values = {};
  const failure = el("p", { class: "failure", role: "alert" });
  const send = el("button", { class: "primary", type: "submit" }, text("submit"));
  const submit = async (event) => {
    event.preventDefault();
    send.classList.add("waiting");
    failure.textContent = "";
    try {
      const opened = await act("submit", { form: form.id, values });
      dialog.close();
      next(opened);
    } catch (error) {
      failure.textContent = error.message;
      send.classList.remove("waiting");
    }
  };
  const dialog = el(
    "dialog",
    { class: "form", "aria-label": form.title },
    el(
      "form",
      { onsubmit: submit },
      el("h2", {}, form.title),
      form.components.map((component) => field(component, values)),
      failure,
      el(
        "div",
        { class: "row end" },
        el("button", { type: "button", onclick: () => dialog.close() }, text("cancel")),
        send,
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function field(component, values) {
  if (component.type === TEXT) return el("div", { class: "content" }, markdown(component.content));
  const input = component.type === LABEL ? component.component : component.components[0];
  const id = `field-${input.custom_id}`;
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, component.label ?? input.label, (input.required ?? true) ? "" : ` (${text("optional")})`),
    component.description && el("p", { class: "dim" }, component.description),
    inputElement(input, id, values),
  );
}

function inputElement(input, id, values) {
  if (input.type !== INPUT) {
    const preset = (input.options ?? []).filter((option) => option.default).map(({ value }) => value);
    if (preset.length) values[input.custom_id] = preset;
    const select = selectElement(input, (chosen) => (values[input.custom_id] = chosen));
    select.id = id;
    select.type = "button";
    return select;
  }
  const attributes = {
    id,
    required: input.required ?? true,
    minlength: input.min_length,
    maxlength: input.max_length ?? 4000,
    placeholder: input.placeholder,
    oninput: (event) => (values[input.custom_id] = event.target.value),
  };
  const element = input.style === PARAGRAPH ? el("textarea", { rows: 5, ...attributes }) : el("input", attributes);
  element.value = values[input.custom_id] = input.value ?? "";
  return element;
}
