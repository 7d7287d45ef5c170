// The page: people and channels, and the messages.

import { Composer } from "./composer.js";
import { el, fill, loadTexts, text } from "./dom.js";
import { showFaults, showStory } from "./events.js";
import { openForm } from "./form.js";
import { refreshTimes } from "./markdown.js";
import { avatar, messageElement } from "./message.js";
import { act, currentPerson, lookAs, onChange, parts } from "./state.js";

const NEAR = 80; // pixels from the end of the messages at which the page follows them
const SEEN = "seen:"; // in the local storage, before the name of a person

const shown = new Map(); // the elements of messages by ID
let page;
let composer;
let follows = true;

/** The place in the address, such as `#ada/studio`: who looks, and where. */
function place() {
  const [person, channel] = location.hash.slice(1).split("/");
  return { person: person || "ada", channel: channel || "studio" };
}

const slug = (channel) => channel.name ?? "direct";

function currentChannel() {
  const channels = parts.get("channels");
  return channels.find((channel) => slug(channel) === place().channel) ?? channels[0];
}

function build() {
  const log = el("div", { id: "log", class: "log", role: "log", "aria-live": "off", tabindex: "0" });
  const shell = (id, label, ...children) => el("aside", { id, "aria-label": label }, children);
  page = {
    log,
    title: el("h1"),
    topic: el("small"),
    people: el("div", { class: "people" }),
    channels: el("div", { class: "channels" }),
    faults: el("div", { class: "faults" }),
    story: el("ol", { class: "story", role: "log", "aria-label": text("story"), tabindex: "0" }),
    strip: el("button", { class: "strip", "aria-label": text("story"), onclick: () => toggle("right") }),
    newer: el("button", { class: "newer", hidden: true, onclick: () => toEnd(true) }, text("newer")),
    spoken: el("p", { class: "hidden", "aria-live": "polite" }),
  };
  composer = new Composer(() => currentChannel().id, opened);
  document.body.replaceChildren(
    el("a", { class: "skip", href: "#compose-text", onclick: (event) => (event.preventDefault(), composer.input.focus()) }, text("skip")),
    shell("left", text("server"), brand(), el("h2", {}, text("you")), page.people, el("h2", {}, text("server")), page.channels),
    el(
      "main",
      {},
      el("header", {}, drawerButton("left", "☰", text("open_left")), page.title, page.topic, drawerButton("right", "⚡", text("break"))),
      el("p", { class: "banner", role: "alert" }, text("stopped")),
      log,
      page.newer,
      page.strip,
      composer.element,
      page.spoken,
    ),
    shell("right", text("break"), el("h2", {}, text("break")), page.faults, el("h2", {}, text("story")), page.story),
  );
  document.addEventListener("keydown", (event) => event.key === "Escape" && toggle(null));
  let last = 0;
  log.addEventListener("scroll", () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    if (atEnd) page.newer.hidden = true;
    if (atEnd || log.scrollTop < last) follows = atEnd; // otherwise the messages have only grown
    last = log.scrollTop;
  });
  const sizes = new ResizeObserver(() => follows && toEnd());
  sizes.observe(log);
  page.sizes = sizes;
  acceptDrops();
}

function brand() {
  return el("div", { class: "brand" }, el("img", { src: "/static/mark.svg", alt: "" }), el("div", {}, el("b", {}, "Clonevoice"), el("small", {}, text("about"))));
}

function drawerButton(side, sign, label) {
  return el("button", { class: `icon ${side}`, "aria-label": label, "aria-controls": side, onclick: () => toggle(side) }, sign);
}

/** Open or close the column on a side of a narrow page. */
function toggle(side) {
  for (const each of ["left", "right"]) {
    document.body.classList.toggle(`open-${each}`, each === side && !document.body.classList.contains(`open-${each}`));
  }
}

function acceptDrops() {
  addEventListener("dragover", (event) => (event.preventDefault(), document.body.classList.add("drop")));
  addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("drop"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("drop");
    composer.add(event.dataTransfer.files);
  });
}

function opened(form) {
  if (form?.components) openForm(form, opened);
}

// People and channels

function showLeft() {
  const me = currentPerson();
  const { online } = parts.get("bot");
  fill(
    page.people,
    parts.get("people").map((person) =>
      el(
        "a",
        {
          class: "who",
          href: `#${person.key}/${place().channel}`,
          "aria-current": person.key === me.key && "true",
          "data-key": person.key,
        },
        avatar(person.name),
        el("span", {}, person.name, el("small", {}, text(person.moderator ? "moderator" : "member"))),
        badge(unread(person)),
      ),
    ),
  );
  fill(
    page.channels,
    parts.get("channels").map((channel) =>
      el(
        "a",
        {
          class: "channel",
          href: `#${me.key}/${slug(channel)}`,
          "aria-current": channel.id === currentChannel().id && "page",
          "data-key": slug(channel),
        },
        channel.name ? `# ${channel.name}` : `@ ${text("direct")}`,
        !channel.name && badge(unread(me)),
      ),
    ),
    el("p", { class: "bot" }, el("span", { class: online ? "dot online" : "dot" }), text(online ? "online" : "offline")),
  );
  const channel = currentChannel();
  page.title.textContent = channel.name ? `# ${channel.name}` : `@ ${text("direct")}`;
  page.topic.textContent = text(`topic_${slug(channel).replace("-", "_")}`);
  const hint = channel.name ? text("write_in", { name: `#${channel.name}` }) : text("write_to", { name: "Clonevoice" });
  composer.hint = hint;
  composer.input.placeholder = hint;
  document.title = `${unread(me) ? `(${unread(me)}) ` : ""}${me.name} · Clonevoice`;
}

const newest = (inbox) => inbox.at(-1) ?? "0";

function unread(person) {
  const seen = localStorage.getItem(SEEN + person.key) ?? "0";
  return person.inbox.filter((id) => BigInt(id) > BigInt(seen)).length;
}

function badge(count) {
  return count > 0 && el("span", { class: "badge", "aria-label": text("unread", { count }) }, String(count));
}

/** Remember that the direct messages on the page were seen. */
function see() {
  const me = currentPerson();
  if (!currentChannel().name && document.visibilityState === "visible") {
    localStorage.setItem(SEEN + me.key, newest(me.inbox));
  }
}

// Messages

function showMessages(names) {
  const channel = currentChannel().id;
  const ids = new Set();
  for (const [name, message] of parts) {
    if (!name.startsWith("message:") || message.channel_id !== channel) continue;
    ids.add(message.id);
    if (!shown.has(message.id) || names.has(name) || names.has("commands")) showMessage(message);
  }
  for (const [id, element] of shown) {
    if (ids.has(id)) continue;
    element.remove();
    shown.delete(id);
  }
  toEnd();
}

function showMessage(message) {
  const old = shown.get(message.id);
  const element = messageElement(message, (name, details) => use(message, name, details));
  shown.set(message.id, element);
  if (old) {
    const key = old.contains(document.activeElement) && document.activeElement.dataset.key;
    old.replaceWith(element);
    if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  } else {
    page.log.append(element);
    page.sizes.observe(element);
    if (!follows) page.newer.hidden = false;
  }
  const heading = element.querySelector("h3")?.textContent;
  if (heading && heading !== old?.querySelector("h3")?.textContent) page.spoken.textContent = heading;
}

function toEnd(force = false) {
  if (!follows && !force) return;
  page.log.scrollTop = page.log.scrollHeight;
  page.newer.hidden = true;
}

/** Do something with a message, and say below it what went wrong. Its selects show their state again afterwards. */
async function use(message, name, details) {
  let failure = "";
  try {
    opened(await act(name, { channel: message.channel_id, message: message.id, ...details }));
  } catch (error) {
    failure = error.message;
  }
  const now = parts.get(`message:${message.id}`);
  if (!now || !shown.has(message.id)) return;
  showMessage(now);
  const line = shown.get(message.id).querySelector(".failure");
  line.textContent = failure;
  line.hidden = !failure;
}

// Everything

async function breakIt(name) {
  if (matchMedia("(max-width: 900px)").matches) toggle(null);
  await act("fault", { name });
}

function show(names) {
  if (!parts.has("people")) return;
  see();
  if (["people", "channels", "bot"].some((name) => names.has(name))) showLeft();
  if ([...names].some((name) => name.startsWith("message:") || name === "commands" || name === "channels")) showMessages(names);
  if (names.has("faults")) showFaults(page.faults, breakIt);
  if ([...names].some((name) => name.startsWith("story:")) || names.has("people")) showStory(page.story, page.strip);
}

function go() {
  const { person } = place();
  follows = true;
  document.body.classList.remove("open-left");
  if (currentPerson()?.key !== person) {
    shown.clear();
    page.log.replaceChildren();
    lookAs(person);
  } else {
    see();
    shown.clear();
    page.log.replaceChildren();
    showLeft();
    showMessages(new Set());
    composer.cancel();
  }
}

await loadTexts();
build();
onChange(show);
addEventListener("hashchange", go);
addEventListener("storage", () => showLeft());
document.addEventListener("visibilitychange", () => (see(), showLeft()));
setInterval(() => parts.get("faults") && showFaults(page.faults, breakIt), 1000);
setInterval(refreshTimes, 5000);
lookAs(place().person);
