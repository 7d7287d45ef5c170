// A message as Discord shows it.

import { el, text, time } from "./dom.js";
import { inline, markdown } from "./markdown.js";
import { items } from "./items.js";
import { openList } from "./list.js";
import { parts } from "./state.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const MESSAGE_COMMAND = 3;

const players = new Map(); // by the ID of the attachment, so that a sound goes on when its message changes

/** Return the element of a message; `use` does something with it and shows what goes wrong. */
export function messageElement(message, use) {
  const author = message.author;
  const bot = author.id === parts.get("bot").id;
  const name = author.global_name ?? author.username;
  const loading = Boolean(message.flags & LOADING);
  const article = el(
    "article",
    { class: "message", "data-id": message.id, "aria-label": text("message_of", { name }) },
    message.used && el("p", { class: "used" }, usedBy(message), " ", el("b", {}, message.used)),
    avatar(bot ? null : name),
    el(
      "div",
      { class: "body" },
      el(
        "header",
        {},
        el("b", {}, name),
        bot && el("span", { class: "app" }, text("app")),
        el("time", { datetime: message.timestamp }, time(new Date(message.timestamp))),
        menuButton(message, use),
      ),
      loading && el("p", { class: "thinking" }, text("thinking")),
      message.content && el("div", { class: "content" }, markdown(message.content)),
      message.attachments.filter((file) => !embedded(message, file)).map(attachment),
      message.embeds.map((embed) => embedElement(embed, message)),
      items(message.components, use, markdown),
      Boolean(message.flags & EPHEMERAL) && el("p", { class: "dim only" }, text("only_you")),
      el("p", { class: "failure", role: "alert", hidden: true }),
    ),
  );
  return article;
}

function usedBy(message) {
  const user = message.interaction_metadata.user;
  return text("used", { name: user.global_name ?? user.username });
}

export function avatar(name) {
  if (name === null) return el("img", { class: "avatar", src: "/static/mark.svg", alt: "" });
  return el("span", { class: `avatar of-${name.toLowerCase()}`, "aria-hidden": "true" }, name[0]);
}

function menuButton(message, use) {
  const commands = (parts.get("commands")[message.channel_id] ?? []).filter((each) => each.type === MESSAGE_COMMAND);
  if (!commands.length || message.flags & EPHEMERAL) return null;
  const open = (event) =>
    openList(event.currentTarget, {
      label: text("apps"),
      options: commands.map(({ name }) => ({ label: name, value: name })),
      done: ([name]) => name && use("menu", { name }),
    });
  return el(
    "button",
    { class: "menu", "aria-label": text("apps"), title: text("apps"), "aria-haspopup": "listbox", onclick: open },
    "⋯",
  );
}

function embedded(message, file) {
  const addresses = message.embeds.flatMap((embed) => [embed.image?.url, embed.thumbnail?.url]);
  return addresses.includes(`attachment://${file.filename}`);
}

function attachment(file) {
  const kind = file.content_type ?? "";
  const path = pathOf(file);
  if (kind.startsWith("image/")) return el("img", { class: "picture", src: path, alt: file.filename });
  if (!kind.startsWith("audio/")) {
    return el("p", { class: "file" }, "📎 ", el("a", { href: path, download: file.filename }, file.filename));
  }
  if (!players.has(file.id)) {
    players.set(
      file.id,
      el(
        "figure",
        { class: "player" },
        el("figcaption", {}, file.filename),
        el("audio", { controls: true, preload: "metadata", src: path, "aria-label": file.filename }),
      ),
    );
  }
  return players.get(file.id);
}

const pathOf = (file) => new URL(file.url).pathname;

function embedElement(embed, message) {
  const address = (image) => {
    const name = image.url.replace("attachment://", "");
    const file = message.attachments.find((each) => each.filename === name);
    return file ? pathOf(file) : image.url;
  };
  const card = el(
    "div",
    { class: "card" },
    embed.thumbnail && el("img", { class: "thumbnail", src: address(embed.thumbnail), alt: "" }),
    embed.author && el("p", { class: "dim" }, embed.author.name),
    embed.title && el("h3", {}, embed.url ? el("a", { href: embed.url }, embed.title) : inline(embed.title)),
    embed.description && el("div", { class: "content" }, markdown(embed.description)),
    embed.fields?.map((field) =>
      el("div", { class: "field" }, el("h4", {}, inline(field.name)), markdown(field.value)),
    ),
    embed.image && el("img", { class: "picture", src: address(embed.image), alt: embed.image.description ?? "" }),
    embed.footer && el("footer", {}, embed.footer.text),
  );
  if (embed.color) card.style.setProperty("--stripe", `#${embed.color.toString(16).padStart(6, "0")}`);
  return card;
}
