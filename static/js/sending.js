// Sends an answer until the server has taken it: the same answer under the same key, so that a repeat never counts
// twice. What is on its way is also kept in this browser, so that a closed tab sends it when the page is open again.

import { call, NetworkError } from "./http.js";
import { readJson } from "./local_copy.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30000;

export class Sending {
  /** onWait(): there is no connection; the answer is kept and tried again by itself. */
  constructor({ who, onWait }) {
    this.place = `concord.outbox.${who}`;
    this.onWait = onWait;
    this.wake = null;
    window.addEventListener("online", () => this.retry());
  }

  retry() {
    if (this.wake) this.wake();
  }

  get isWaiting() {
    return this.wake !== null;
  }

  /** What a closed tab left unsent: {path, body, key, task}, or null. */
  leftOver() {
    const kept = readJson(this.place);
    return kept && typeof kept.path === "string" && kept.path.startsWith("/api/") ? kept : null;
  }

  /** task: whose answer it is. key: that of an earlier try. */
  async send(path, body, { task = null, key = newKey() } = {}) {
    this.keep({ path, body, key, task });
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        const saved = await call("POST", path, { body, headers: { "Idempotency-Key": key } });
        this.forget();
        return saved;
      } catch (error) {
        if (!(error instanceof NetworkError)) {
          this.forget();
          throw error;
        }
        this.onWait();
        await this.pause(wait);
      }
    }
  }

  keep(entry) {
    try {
      localStorage.setItem(this.place, JSON.stringify(entry));
    } catch {
      // Without a store the open tab is the only one that can send it; it goes on trying.
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.place);
    } catch {
      // As above.
    }
  }

  pause(milliseconds) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.wake = done;
    });
  }
}

// randomUUID exists only on secure origins; a site on plain HTTP in a local network has none.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
