// Keeps the right to judge a task while its page is looked at, and says when that right is gone.

import { ApiError, call } from "./http.js";

const BEAT_MS = 30000;
const WARN_MS = 120000;

export class Lease {
  constructor({ api, onLost, onTime }) {
    this.api = api;
    this.onLost = onLost;
    this.onTime = onTime;
    this.token = null;
    setInterval(() => this.beat(), BEAT_MS);
    setInterval(() => this.showTime(), 1000);
    document.addEventListener("visibilitychange", () => this.beat());
  }

  open(lease) {
    this.token = lease ? lease.token : null;
    this.expiresAt = lease ? Date.parse(lease.expires_at) : 0;
    this.lost = false;
  }

  async beat() {
    // A page that nobody looks at must not keep work from others.
    if (!this.token || this.lost || document.visibilityState !== "visible") return;
    const token = this.token;
    try {
      const { expires_at: expiresAt } = await call("POST", `${this.api}leases/${token}/heartbeat`, { body: {} });
      if (token === this.token) this.expiresAt = Date.parse(expiresAt);
    } catch (error) {
      // Without a network there is nothing to say: the lease lasts for minutes, and the next beat comes.
      if (!(error instanceof ApiError) || token !== this.token || error.status !== 409) return;
      this.lost = true;
      this.onLost();
    }
  }

  showTime() {
    if (!this.token || this.lost) return;
    const left = this.expiresAt - Date.now();
    this.onTime(left < WARN_MS ? Math.max(left, 0) : null);
  }
}
