// Keeps an unfinished answer safe: at once in this browser, seconds later on the server. The local copy goes away only
// when the server has acknowledged the same answer.

import { ApiError, call, NetworkError } from "./http.js";
import { LocalCopy } from "./local_copy.js";

const SAVE_AFTER_MS = 1500;

export class Drafts {
  constructor({ api, who, onState }) {
    this.api = api;
    this.local = new LocalCopy(who);
    this.onState = onState;
    this.timer = null;
    this.task = null;
  }

  /**
   * Starts with a task. {answer, other}: the answer to go on with, and one that this browser had when another window
   * saved a newer one.
   */
  open({ task, leaseToken, draft }) {
    this.stop();
    this.task = task;
    this.leaseToken = leaseToken;
    this.version = draft ? draft.version : 0;
    const local = this.local.read(task);
    if (!local) return { answer: draft ? draft.answer : null, other: null };
    if (!draft || local.base >= draft.version || sameAnswer(local.answer, draft.answer)) return { answer: local.answer, other: null };
    return { answer: draft.answer, other: local.answer };
  }

  /** keep: what the person has now. Saved here now, on the server in a moment, however much goes on happening. */
  keep(answer) {
    this.pending = answer;
    this.local.write(this.task, answer, this.version);
    this.onState("saving");
    if (this.timer === null) this.later(SAVE_AFTER_MS);
  }

  later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), milliseconds);
  }

  async send({ keepalive = false } = {}) {
    this.clearTimer();
    if (this.pending === null || !this.leaseToken || this.isSending) return;
    const { pending: answer, task } = this;
    this.isSending = true;
    try {
      const body = { answer, version: this.version };
      const saved = await call("PUT", `${this.api}leases/${this.leaseToken}/draft`, { body, keepalive });
      if (task === this.task) this.acknowledge(answer, saved);
    } catch (error) {
      if (task === this.task) this.fail(error);
    } finally {
      this.isSending = false;
    }
    if (this.pending !== null && this.pending !== answer) this.later(SAVE_AFTER_MS);
  }

  acknowledge(answer, saved) {
    this.version = saved.version;
    if (this.pending !== answer) return;
    this.pending = null;
    this.local.remove(this.task.id);
    this.onState("saved", new Date());
  }

  fail(error) {
    if (error instanceof NetworkError) {
      this.onState("offline");
      this.later(4 * SAVE_AFTER_MS);
    } else if (error instanceof ApiError) this.onState("refused", error);
    else throw error;
  }

  /** Another window's draft is newer, and the person wants the one of this window. */
  overrule(version) {
    this.version = version;
    return this.send();
  }

  /** Looks at another task for a while; what is here stays kept. */
  stop() {
    this.clearTimer();
    this.task = null;
    this.pending = null;
    this.leaseToken = null;
  }

  /** The answer was given for good. */
  close() {
    if (this.task) this.local.remove(this.task.id);
    this.stop();
  }

  clearTimer() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}

function sameAnswer(one, other) {
  const said = ({ tiers, bad, strength, scores, rationale, rationales }) => JSON.stringify([tiers || [], bad || [], strength || null, sorted(scores), rationale || "", sorted(rationales)]);
  return said(one) === said(other);
}

function sorted(value) {
  if (!value || typeof value !== "object") return value ?? null;
  return Object.keys(value).sort().map((name) => [name, sorted(value[name])]);
}
