// Turns a key press into the name of an action. Names, not characters, so that a later setting can remap them.

const LETTERS = /^[a-i]$/;
const DIGITS = /^[0-9]$/;

/** The name of the key on the cap, also on layouts that give no Latin letters. */
function keyName(event) {
  if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
  const code = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code);
  return code && !/^[\x20-\x7e]$/.test(event.key) ? code[1].toLowerCase() : event.key;
}

const COMMANDS = { s: "skip", f: "flag", n: "note", g: "guidelines" };
const SINGLE = { "=": "tie", x: "bad", u: "unrank", n: "not-applicable", "?": "keys", Enter: "submit" };
const ARROWS = { ArrowUp: "previous", ArrowLeft: "previous", ArrowDown: "next", ArrowRight: "next" };

/** {action, value} or null. `value` is the letter or digit where there is one. */
export function readAction(event) {
  const key = keyName(event);
  const command = event.ctrlKey || event.metaKey;
  if (command && key === "Enter") return { action: "submit" };
  if (command && key === "z") return { action: event.shiftKey ? "redo" : "undo" };
  if (command && key === "y") return { action: "redo" };
  if (command) return null;
  if (event.altKey) return key === "ArrowUp" ? { action: "up" } : key === "ArrowDown" ? { action: "down" } : null;
  if (key === "?") return { action: "keys" };
  if (event.shiftKey && COMMANDS[key]) return { action: COMMANDS[key] };
  if (event.shiftKey && key !== "=") return null;
  if (LETTERS.test(key)) return { action: "light", value: key.toUpperCase() };
  if (DIGITS.test(key)) return { action: "digit", value: Number(key) };
  if (ARROWS[key]) return { action: ARROWS[key] };
  return SINGLE[key] ? { action: SINGLE[key] } : null;
}
