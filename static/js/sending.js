// Sends an answer until the server has taken it: the same answer under the same key, so that a repeat never counts twice.

import { call, NetworkError } from "./http.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30000;

export class Sending {
  /** onWait({retry}): there is no connection; the answer is kept and tried again by itself. */
  constructor({ onWait }) {
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

  async send(path, body) {
    const headers = { "Idempotency-Key": crypto.randomUUID ? crypto.randomUUID() : randomKey() };
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        return await call("POST", path, { body, headers });
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        this.onWait();
        await this.pause(wait);
      }
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
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
