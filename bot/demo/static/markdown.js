// Discord's Markdown as elements: https://support.discord.com/hc/en-us/articles/210298617

import { el } from "./dom.js";
import { parts } from "./state.js";

const INLINE = [
  [/^\\([!-/:-@[-`{-~])/, (found) => found[1]],
  [/^`([^`\n]+)`/, (found) => el("code", {}, found[1])],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/, (found) => el("strong", {}, inline(found[1]))],
  [/^__(?=\S)([\s\S]*?\S)__(?!_)/, (found) => el("u", {}, inline(found[1]))],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (found) => el("s", {}, inline(found[1]))],
  [/^\*(?=\S)((?:\\.|[^*\\])*?\S)\*(?!\*)/, (found) => el("em", {}, inline(found[1]))],
  [/^_(?=\S)((?:\\.|[^_\\])*?\S)_(?![\w])/, (found) => el("em", {}, inline(found[1]))],
  [/^\[((?:\\.|[^\]\\])+)\]\((https?:\/\/[^\s)]+)\)/, (found) => link(found[2], inline(found[1]))],
  [/^<(https?:\/\/[^\s>]+)>/, (found) => link(found[1], found[1])],
  [/^https?:\/\/[^\s<>)]+[^\s<>).,:;!?]/, (found) => link(found[0], found[0])],
  [/^<t:(\d{1,11})(?::([tTdDfFR]))?>/, (found) => moment(Number(found[1]), found[2] ?? "f")],
  [/^<@!?(\d+)>/, (found) => mention("@", nameOf("people", found[1]))],
  [/^<@&(\d+)>/, (found) => mention("@", parts.get("roles")[found[1]])],
  [/^<#(\d+)>/, (found) => mention("# ", nameOf("channels", found[1]))],
  [/^<\/([^:>]+):\d+>/, (found) => mention("/", found[1])],
];

const BLOCKS = [
  [/^(#{1,3}) (.+)/, (found) => el(`h${found[1].length + 2}`, {}, inline(found[2]))],
  [/^-# (.+)/, (found) => el("small", {}, inline(found[1]))],
  [/^> (.*)/, (found) => el("blockquote", {}, inline(found[1]))],
  [/^( *)[-*] (.+)/, (found) => el("div", { class: "item" }, "• ", inline(found[2]))],
  [/^( *)(\d+)\. (.+)/, (found) => el("div", { class: "item" }, `${found[2]}. `, inline(found[3]))],
];

/** Return the nodes of a text. */
export function markdown(source) {
  const nodes = [];
  for (const line of source.split("\n")) {
    const rule = BLOCKS.find(([pattern]) => pattern.test(line));
    nodes.push(rule ? rule[1](line.match(rule[0])) : el("div", { class: line.trim() ? "line" : "gap" }, inline(line)));
  }
  return nodes;
}

/** Return the nodes of a text on one line. */
export function inline(source) {
  const nodes = [];
  let plain = "";
  for (let rest = source; rest; ) {
    const rule = INLINE.find(([pattern]) => pattern.test(rest));
    const found = rule && rest.match(rule[0]);
    if (found) {
      nodes.push(plain, rule[1](found));
      plain = "";
    } else {
      plain += rest[0];
    }
    rest = rest.slice(found ? found[0].length : 1);
  }
  return [...nodes, plain].flat(Infinity);
}

function link(address, content) {
  return el("a", { href: address, target: "_blank", rel: "noreferrer" }, content);
}

function mention(sign, name) {
  return el("span", { class: "mention" }, sign + (name ?? "unknown"));
}

function nameOf(kind, id) {
  if (id === parts.get("bot").id) return "Clonevoice";
  return parts.get(kind).find((each) => each.id === id)?.name;
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

function moment(unix, style) {
  const date = new Date(unix * 1000);
  const shown = el("time", { datetime: date.toISOString(), title: date.toLocaleString() });
  if (style === "R") shown.dataset.relative = unix;
  shown.textContent = style === "R" ? ago(unix) : new Intl.DateTimeFormat(undefined, STYLES[style]).format(date);
  return shown;
}

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

function ago(unix) {
  const distance = Math.round(unix - Date.now() / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(distance) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(distance / size), unit);
}

/** Keep relative times up to date. */
export function refreshTimes() {
  for (const shown of document.querySelectorAll("time[data-relative]")) {
    shown.textContent = ago(Number(shown.dataset.relative));
  }
}
