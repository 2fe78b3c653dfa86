// Keeps an unfinished answer safe: at once in this browser, soon after on the server. The local copy goes away only when
// the server has acknowledged the same answer.

import { ApiError, call, NetworkError } from "./http.js";

const SAVE_AFTER_MS = 1500;
const PREFIX = "concord.answer.";

export class Drafts {
  constructor({ api, onState }) {
    this.api = api;
    this.onState = onState;
    this.timer = null;
    this.taskId = null;
  }

  /** Starts with a task; gives the answer to go on with: the local copy if the server never got it, else the server's. */
  open({ taskId, leaseToken, draft }) {
    this.taskId = taskId;
    this.leaseToken = leaseToken;
    this.version = draft ? draft.version : 0;
    this.pending = null;
    const local = this.readLocal(taskId);
    return local || (draft ? draft.answer : null);
  }

  /** keep: what the person has now. Saved here now, on the server in a moment. */
  keep(answer) {
    this.pending = answer;
    this.writeLocal(answer);
    this.onState("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SAVE_AFTER_MS);
  }

  async send({ keepalive = false } = {}) {
    clearTimeout(this.timer);
    if (this.pending === null || !this.leaseToken || this.sending) return;
    const { pending: answer, taskId } = this;
    this.sending = true;
    try {
      const body = { answer, version: this.version };
      const saved = await call("PUT", `${this.api}leases/${this.leaseToken}/draft`, { body, keepalive });
      if (taskId === this.taskId) this.acknowledge(answer, saved);
    } catch (error) {
      if (taskId === this.taskId) this.fail(error);
    } finally {
      this.sending = false;
    }
    if (this.pending !== null && this.pending !== answer) this.timer = setTimeout(() => this.send(), SAVE_AFTER_MS);
  }

  acknowledge(answer, saved) {
    this.version = saved.version;
    if (this.pending !== answer) return;
    this.pending = null;
    this.removeLocal(this.taskId);
    this.onState("saved", new Date());
  }

  fail(error) {
    if (error instanceof NetworkError) {
      this.onState("offline");
      this.timer = setTimeout(() => this.send(), 4 * SAVE_AFTER_MS);
    } else if (error instanceof ApiError) this.onState("refused", error);
    else throw error;
  }

  /** The answer was given for good. */
  close() {
    clearTimeout(this.timer);
    this.removeLocal(this.taskId);
    this.pending = null;
    this.taskId = null;
  }

  readLocal(taskId) {
    try {
      const kept = JSON.parse(localStorage.getItem(PREFIX + taskId));
      return kept && typeof kept === "object" ? kept : null;
    } catch {
      return null;
    }
  }

  writeLocal(answer) {
    try {
      localStorage.setItem(PREFIX + this.taskId, JSON.stringify(answer));
    } catch {
      // A full or forbidden store costs the second copy, not the first: the server still gets the draft.
    }
  }

  removeLocal(taskId) {
    try {
      localStorage.removeItem(PREFIX + taskId);
    } catch {
      // As above.
    }
  }
}
