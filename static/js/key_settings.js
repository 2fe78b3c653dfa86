// The list of keys, in which everybody can choose their own. Only codes travel: the server refuses all others.

import { announce, el } from "./dom.js";
import { ApiError, call, NetworkError } from "./http.js";
import { codeOf, showCode } from "./keys.js";

const byId = (id) => document.getElementById(id);

export class KeySettings {
  constructor({ api, keys }) {
    this.api = api;
    this.keys = keys;
    this.dialog = byId("keys-dialog");
    this.dialog.addEventListener("click", (event) => this.onClick(event));
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("close", () => this.stop());
    this.draw();
  }

  /** Writes the keys wherever the page names them. */
  draw() {
    for (const node of document.querySelectorAll("[data-key-of]")) {
      node.textContent = showCode(this.keys.shortcuts[node.dataset.keyOf]);
    }
  }

  onClick(event) {
    const button = event.target.closest("[data-change-key]");
    if (button) this.listen(button);
    else if (event.target.closest("#keys-reset")) this.save({}, "Every key is the usual one again.");
  }

  listen(button) {
    this.stop();
    this.button = button;
    button.setAttribute("aria-pressed", "true");
    this.say(`Press the new key for “${button.dataset.what}”. Esc leaves it as it is.`);
  }

  stop() {
    if (this.button) this.button.setAttribute("aria-pressed", "false");
    this.button = null;
    this.say("");
  }

  onKey(event) {
    if (!this.button) return;
    const code = codeOf(event);
    if (code === null || code === "tab" || code === "shift+tab") return;
    event.preventDefault();
    event.stopPropagation();
    const action = this.button.dataset.changeKey;
    this.stop();
    if (code === "escape") return;
    const owner = this.keys.actions.get(code);
    if (owner && owner !== action) {
      this.say(this.tellOwner(owner));
      return;
    }
    this.save({ ...this.keys.shortcuts, [action]: code }, `${showCode(code)} it is.`);
  }

  async save(shortcuts, sentence) {
    try {
      const saved = await call("PUT", `${this.api}me/shortcuts`, { body: { shortcuts } });
      this.keys.use(saved.shortcuts);
      this.draw();
      this.say(sentence);
    } catch (error) {
      if (error instanceof NetworkError) this.say("No connection; the keys are as they were.");
      else if (error instanceof ApiError) this.say(this.explain(error));
      else throw error;
    }
  }

  explain(error) {
    return error.extra.faults ? "That key is taken by the page or the browser; choose another one." : error.message;
  }

  tellOwner(action) {
    const button = this.dialog.querySelector(`[data-change-key="${action}"]`);
    return button ? `That key already means “${button.dataset.what}”.` : "That key means something on the other judging screen; choose another one.";
  }

  say(sentence) {
    byId("keys-said").replaceChildren(sentence ? el("span", {}, sentence) : "");
    if (sentence) announce(sentence);
  }
}
