// What can be broken, and what happened.

import { el, fill, seconds, text } from "./dom.js";
import { parts } from "./state.js";

const FAULTS = ["kill", "lose", "busy", "session", "disk", "edits"];

/** Show the faults in an element, and how long each still lasts. `use` is called with the name of one that is clicked. */
export function showFaults(element, use) {
  const active = parts.get("faults");
  fill(
    element,
    FAULTS.map((name) => {
      const left = active[name] && Math.max(0, Math.ceil(active[name] - Date.now() / 1000));
      return el(
        "button",
        { "data-key": name, "aria-pressed": name === "kill" ? false : String(name in active), onclick: () => use(name) },
        el("span", { "aria-hidden": "true" }, text(`sign_${name}`)),
        el("span", {}, text(`fault_${name}`), el("small", {}, text(`about_${name}`))),
        name in active && el("output", {}, left ? text("seconds", { seconds: left }) : text("armed")),
      );
    }),
  );
}

/** Show the timeline in a list, and its last entry in a line for narrow pages. */
export function showStory(list, strip) {
  const entries = [...parts].filter(([name]) => name.startsWith("story:")).map(([, entry]) => entry);
  const rows = [...list.children];
  entries.forEach((entry, at) => {
    const row = el(
      "li",
      { class: entry.tone },
      el("time", {}, seconds(new Date(entry.at * 1000))),
      el("span", {}, entry.text, entry.times > 1 && el("small", {}, ` ×${entry.times}`)),
    );
    if (!rows[at]) list.append(row);
    else if (rows[at].textContent !== row.textContent) rows[at].replaceWith(row);
  });
  rows.slice(entries.length).forEach((row) => row.remove());
  list.scrollTop = list.scrollHeight;
  const last = entries.at(-1);
  strip.textContent = last?.text ?? text("no_story");
  strip.className = `strip ${last?.tone ?? ""}`;
}
