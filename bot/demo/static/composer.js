// The place to write messages and commands.

import { el, fill, text } from "./dom.js";
import { optionField } from "./options.js";
import { act, attach, onChange, parts } from "./state.js";

const SLASH = 1;
const [SUBCOMMAND, GROUP, ATTACHMENT] = [1, 2, 11];
const SAMPLES = ["good-sample.mp3", "short.mp3", "too-short.mp3", "not-audio.mp3"];

/** The composer of a page. `place` returns the ID of the channel, and `opened` gets a form that the bot opens. */
export class Composer {
  constructor(place, opened) {
    this.place = place;
    this.opened = opened;
    this.files = [];
    this.command = null;
    this.input = el("textarea", {
      id: "compose-text",
      rows: 1,
      maxlength: 2000,
      "aria-label": text("message"),
      "aria-autocomplete": "list",
      "aria-controls": "commands",
      "aria-expanded": "false",
      role: "combobox",
      onkeydown: (event) => this.key(event),
      oninput: () => this.suggest(),
    });
    this.picker = el("input", { type: "file", hidden: true, onchange: (event) => this.add(event.target.files) });
    this.chips = el("div", { class: "chips" }, el("span", { class: "dim" }, text("samples")), SAMPLES.map((name) => this.chip(name)));
    this.commands = el("div", { id: "commands", class: "commands", role: "listbox", "aria-label": text("commands") });
    this.draft = el("div", { class: "draft" });
    this.failure = el("p", { class: "failure", role: "alert" });
    this.row = el(
      "div",
      { class: "write" },
      el("button", { class: "icon", "aria-label": text("attach"), title: text("attach"), onclick: () => this.picker.click() }, "+"),
      this.input,
      el("button", { class: "icon send", "aria-label": text("send"), title: text("send"), onclick: () => this.send() }, "➤"),
    );
    this.element = el("section", { class: "compose", "aria-label": text("message") }, this.commands, this.chips, this.draft, this.failure, this.picker, this.row);
    onChange((names) => names.has("commands") && this.suggest());
  }

  chip(name) {
    const key = name.replace(".mp3", "").replaceAll("-", "_");
    return el(
      "button",
      { class: "chip", onclick: () => this.useFile({ name, given: { sample: name } }) },
      "📎 ",
      el("b", {}, name),
      " ",
      text(`sample_${key}`),
    );
  }

  /** Attach files that were dropped or picked. */
  async add(files) {
    for (const file of files) {
      try {
        this.fail("");
        this.useFile({ name: file.name, given: await attach(file) }, true);
      } catch (error) {
        this.fail(error.message);
      }
    }
    this.picker.value = "";
  }

  /** Give a file to the command that is being filled in, to the message, or to a new /clonevoice. */
  useFile(file, toMessage = false) {
    const option = this.command?.options.find(({ type }) => type === ATTACHMENT);
    if (option) {
      this.command.fields.get(option.name).set(file);
    } else if (toMessage) {
      this.files.push(file);
      this.showDraft();
    } else {
      const clone = this.leaves().find(({ path }) => path === "clonevoice");
      if (!clone) return;
      this.begin(clone);
      this.useFile(file);
    }
  }

  /** List the commands that can be used here, with their whole names. */
  leaves() {
    const found = [];
    const visit = (path, node) => {
      const children = (node.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
      if (children.length) children.forEach((child) => visit(`${path} ${child.name}`, child));
      else found.push({ path, description: node.description, options: node.options ?? [] });
    };
    const commands = parts.get("commands")?.[this.place()] ?? [];
    commands.filter((command) => (command.type ?? SLASH) === SLASH).forEach((command) => visit(command.name, command));
    return found;
  }

  /** Show the commands that begin with what was typed. */
  suggest() {
    this.input.placeholder = this.input.ariaPlaceholder = this.hint ?? "";
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
    const typed = this.input.value;
    const open = typed.startsWith("/") && !typed.includes("\n");
    const found = open ? this.leaves().filter(({ path }) => `/${path}`.includes(typed.trim().toLowerCase())) : [];
    fill(
      this.commands,
      found.map((leaf, at) =>
        el(
          "div",
          { role: "option", id: `command-${at}`, "aria-selected": String(at === 0), onclick: () => this.begin(leaf) },
          el("b", {}, `/${leaf.path}`),
          el("small", {}, leaf.description),
        ),
      ),
    );
    this.commands.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.mark(0);
  }

  mark(at) {
    const rows = [...this.commands.children];
    this.marked = rows.length ? (at + rows.length) % rows.length : -1;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === this.marked)));
    rows[this.marked]?.scrollIntoView({ block: "nearest" });
    if (rows.length) this.input.setAttribute("aria-activedescendant", rows[this.marked].id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const rows = this.commands.children;
    if (rows.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      this.mark(this.marked + (event.key === "ArrowDown" ? 1 : -1));
    } else if (rows.length && ["Enter", "Tab"].includes(event.key)) {
      rows[this.marked].click();
    } else if (event.key === "Escape" && rows.length) {
      this.input.value = "";
      this.suggest();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      this.send();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Start to fill in a command. */
  begin(leaf) {
    this.input.value = "";
    this.suggest();
    this.fail("");
    this.command = { ...leaf, fields: new Map() };
    this.showDraft();
    this.next();
  }

  /** Focus the first option that has to be filled in; without one, send. */
  next(send = false) {
    const { options, fields } = this.command;
    const missing = options.find(({ name, required }) => required && !fields.get(name).filled());
    if (missing) fields.get(missing.name).focus();
    else if (send) this.send();
    else this.element.querySelector(".use")?.focus();
  }

  showDraft() {
    const command = this.command;
    this.element.classList.toggle("filling", Boolean(command));
    if (!command) {
      fill(
        this.draft,
        this.files.map((file) =>
          el("span", { class: "attached" }, "📎 ", file.name, " ", this.remover(file.name, () => this.dropFile(file))),
        ),
      );
      return;
    }
    const shown = command.options.filter(({ name, required }) => required || command.fields.has(name));
    const hidden = command.options.filter((option) => !shown.includes(option));
    for (const option of shown) {
      if (!command.fields.has(option.name)) command.fields.set(option.name, optionField(option, this));
    }
    fill(
      this.draft,
      el("p", { class: "command" }, el("b", {}, `/${command.path}`), " ", el("small", {}, command.description)),
      shown.map((option) => command.fields.get(option.name).element),
      el(
        "div",
        { class: "row" },
        hidden.map((option) =>
          el("button", { class: "chip", title: option.description, onclick: () => this.reveal(option) }, `+ ${option.name}`),
        ),
        el("span", { class: "space" }),
        el("button", { onclick: () => this.cancel() }, text("cancel")),
        el("button", { class: "primary use", onclick: () => this.next(true) }, text("use")),
      ),
    );
  }

  remover(name, onclick) {
    return el("button", { class: "remove", "aria-label": text("remove", { name }), onclick }, "×");
  }

  dropFile(file) {
    this.files = this.files.filter((each) => each !== file);
    this.showDraft();
  }

  reveal(option) {
    this.command.fields.set(option.name, optionField(option, this));
    this.showDraft();
    this.command.fields.get(option.name).focus();
  }

  cancel() {
    this.command = null;
    this.fail("");
    this.showDraft();
    this.input.focus();
  }

  fail(message) {
    this.failure.textContent = message;
  }

  /** The values of the options that are filled in, without one. */
  values(except) {
    const entries = [...this.command.fields].filter(([name, field]) => name !== except && field.filled());
    return Object.fromEntries(entries.map(([name, field]) => [name, field.value()]));
  }

  async send() {
    const { command, files } = this;
    const typed = this.input.value.trim();
    if (!command && !typed && !files.length) return;
    const options = command && this.values();
    this.wait(1);
    this.fail("");
    this.command = null;
    this.files = [];
    this.input.value = "";
    this.showDraft();
    this.suggest();
    this.input.focus();
    try {
      const channel = this.place();
      if (command) this.opened(await act("command", { channel, name: command.path, options }));
      else await act("post", { channel, text: typed, files: files.map(({ given }) => given) });
    } catch (error) {
      this.fail(error.message);
      if (!this.command && !this.input.value) {
        this.command = command;
        this.files = files;
        if (!command) this.input.value = typed;
        this.showDraft();
      }
    } finally {
      this.wait(-1);
    }
  }

  /** Count what was sent and not answered yet. */
  wait(change) {
    this.waiting = (this.waiting ?? 0) + change;
    this.element.classList.toggle("waiting", this.waiting > 0);
  }
}
