// What the server says, kept up to date, and what is done on the page.

/** The parts of the page by name, as `bot/demo/live.py` sends them. */
export const parts = new Map();

const listeners = [];

/** Call `listener` with the names of the parts that have changed. */
export function onChange(listener) {
  listeners.push(listener);
}

function tell(names) {
  for (const listener of listeners) listener(names);
}

let socket = null;
let person = "ada";

export function currentPerson() {
  return parts.get("people").find((each) => each.key === person);
}

/** Look through the eyes of a person; the parts are those of that person from the next change on. */
export function lookAs(key) {
  person = key;
  socket?.close();
  connect();
}

function connect() {
  const opened = new WebSocket(`ws://${location.host}/live?person=${encodeURIComponent(person)}`);
  socket = opened;
  let fresh = true;
  opened.onmessage = (event) => {
    if (opened !== socket) return;
    const update = JSON.parse(event.data);
    const gone = fresh ? [...parts.keys()].filter((name) => !(name in update)) : [];
    fresh = false;
    for (const name of gone) parts.delete(name);
    for (const [name, part] of Object.entries(update)) {
      if (part === null) parts.delete(name);
      else parts.set(name, part);
    }
    document.body.classList.remove("stopped");
    tell(new Set([...gone, ...Object.keys(update)]));
  };
  opened.onclose = () => {
    if (opened !== socket) return;
    document.body.classList.add("stopped");
    setTimeout(() => opened === socket && connect(), 1000);
  };
}

/** Do something as the present person. Returns the result; throws an Error with a sentence to show. */
export async function act(name, details = {}) {
  return (await send("/act", JSON.stringify({ act: name, person, ...details }))).result;
}

/** Attach a file; returns what stands for it in an act. Throws an Error with a sentence to show. */
export async function attach(file) {
  return { file: (await send(`/files?name=${encodeURIComponent(file.name)}`, file)).file };
}

async function send(path, body) {
  const response = await fetch(path, { method: "POST", body });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer;
}
