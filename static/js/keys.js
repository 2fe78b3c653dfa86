// Turns a key press into the name of an action. Which key means what comes with the page, for everybody chooses their
// own; letters, digits and arrows mean the same for all.

const LETTERS = /^[a-i]$/;
const DIGITS = /^[0-9]$/;
const ARROWS = { ArrowUp: "up", ArrowLeft: "left", ArrowDown: "down", ArrowRight: "right" };
const NAMES = { enter: "Enter", backspace: "⌫", delete: "Del", insert: "Ins", arrowup: "↑", arrowdown: "↓", shift: "⇧", ctrl: "Ctrl", alt: "Alt" };

/** The name of the key on the cap, also on layouts that give no Latin letters. */
function keyName(event) {
  if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
  const code = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code);
  return code && !/^[\x20-\x7e]$/.test(event.key) ? code[1].toLowerCase() : event.key.toLowerCase();
}

/** The code of a key press as the server lists them: `shift+s`, `ctrl+z`, `=`. Signs carry no shift: `?` is `?`. */
export function codeOf(event) {
  const key = keyName(event);
  if (["shift", "control", "alt", "meta"].includes(key)) return null;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (/^[a-z]$/.test(key) || key.length > 1)) parts.push("shift");
  return [...parts, key].join("+");
}

/** How a code is written on the page. */
export function showCode(code) {
  const parts = code === "+" ? ["+"] : code.split("+");
  const shown = parts.map((part) => NAMES[part] || part.toUpperCase());
  return shown[0] === "⇧" ? shown.join("") : shown.join(" ");
}

export class Keys {
  constructor(shortcuts) {
    this.use(shortcuts);
  }

  use(shortcuts) {
    this.shortcuts = shortcuts;
    this.actions = new Map(Object.entries(shortcuts).map(([action, key]) => [key, action]));
  }

  /** {action, value, strong} or null. `value` is the letter, digit or direction where there is one. */
  read(event) {
    const code = codeOf(event);
    if (!code) return null;
    if (code === "ctrl+enter") return { action: "submit" };
    if (this.actions.has(code)) return { action: this.actions.get(code) };
    if (code === "ctrl+y") return { action: "redo" };
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (ARROWS[event.key]) return { action: "arrow", value: ARROWS[event.key], strong: event.shiftKey };
    if (LETTERS.test(code)) return { action: "light", value: code.toUpperCase() };
    if (DIGITS.test(code)) return { action: "digit", value: Number(code) };
    if (["pagedown", "pageup", " "].includes(code)) return { action: "scroll", value: code === "pageup" ? -1 : 1 };
    return null;
  }
}
