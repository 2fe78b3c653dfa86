// The screen on which tasks are judged, whatever their kind: gets work, keeps drafts, submits, and never loses an answer.
// The kind of feedback (`kind`) builds the answer; everything that concerns the server is here.

import { Attention } from "./attention.js";
import { Caution, sayAfter } from "./caution.js";
import { announce } from "./dom.js";
import { Drafts } from "./drafts.js";
import { showFeedback, showStage } from "./feedback.js";
import { closeFind } from "./find.js";
import { ApiError, call } from "./http.js";
import { KeySettings } from "./key_settings.js";
import { Keys, showCode } from "./keys.js";
import { Lease } from "./lease.js";
import { hideBanner, hideToast, showToast } from "./notices.js";
import { ScreenInput } from "./screen_input.js";
import { Sending } from "./sending.js";
import { countOne, showDraftState, showTime, tellFailure, tellLeaseLost, tellNewerDraft, tellOffline, tellOtherDraft, tellSubmittedElsewhere } from "./teller.js";
import { showGuideline, showNoWork, showPrompt } from "./texts.js";

const byId = (id) => document.getElementById(id);
const readPage = (id) => (byId(id) ? JSON.parse(byId(id).textContent) : null);

export class Screen {
  constructor(kind) {
    this.kind = kind;
    this.main = byId("judge");
    this.api = this.main.dataset.api;
    const { who } = this.main.dataset;
    this.keys = new Keys(readPage("shortcuts"));
    this.attention = new Attention();
    this.drafts = new Drafts({ api: this.api, who, onState: (state, detail) => this.onDraft(state, detail) });
    this.lease = new Lease({ api: this.api, onLost: tellLeaseLost, onTime: showTime });
    this.sending = new Sending({ who, onWait: () => tellOffline(() => this.sending.retry()) });
    this.keySettings = new KeySettings({ api: this.api, keys: this.keys });
    this.caution = new Caution({
      place: byId("caution"), charactersPerSecond: Number(this.main.dataset.fastest), habits: readPage("habits"), read: () => this.readyAnswer(),
    });
    this.editing = null;
    this.busy = false;
    this.bind();
  }

  async start() {
    const { edit } = this.main.dataset;
    if (edit) {
      await this.openEdit(edit, { isPage: true });
      return;
    }
    const first = readPage("first-work");
    const sent = await this.sendLeftOver();
    if (first && !sent) this.take(first);
    else await this.next();
  }

  // --- getting work -------------------------------------------------------------------------------------------------

  /** `work`: what came with the acknowledgement of the last answer; without it the server is asked. */
  async next(work = null) {
    if (work) {
      this.take(work);
      return;
    }
    this.main.setAttribute("aria-busy", "true");
    this.lease.open(null);
    try {
      this.take(await call("POST", `${this.api}projects/${this.main.dataset.project}/acquire`, { body: {} }));
      hideBanner();
    } catch (error) {
      tellFailure(error, () => this.next());
    } finally {
      this.main.removeAttribute("aria-busy");
    }
  }

  take(work) {
    if (work.task) this.open(work);
    else showNoWork(work);
  }

  open({ task, lease, draft, stage }) {
    this.lease.open(lease);
    showStage(stage);
    const { answer, other } = this.drafts.open({ task, leaseToken: lease.token, draft });
    this.setEditing(null);
    this.show(task);
    this.attention.restart(answer ? answer.active_ms || 0 : 0);
    if (answer) this.load(answer);
    if (other) tellOtherDraft(() => { this.load(other); this.changed(); });
    showDraftState(answer ? "restored" : "new");
    this.kind.focus();
    announce(answer ? "Your unfinished answer to this task is back." : "A new task is ready.");
  }

  /** An answer that a closed tab could not send any more. True if there was one. */
  async sendLeftOver() {
    const left = this.sending.leftOver();
    if (!left) return false;
    try {
      await this.sending.send(left.path, left.body, left);
      showToast("The answer that you gave before the page was closed has been sent.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "lease_lost") this.tellKept();
      else if (error.code !== "already_submitted") tellFailure(error, () => this.next());
    }
    this.drafts.local.remove(left.task);
    hideBanner();
    return true;
  }

  show(task) {
    this.task = task;
    byId("no-work").hidden = true;
    byId("work").hidden = byId("dock").hidden = false;
    byId("rationale").value = "";
    closeFind();
    byId("prompt").replaceChildren(...showPrompt(task.prompt));
    showGuideline(task.guideline_html);
    this.kind.mount(task, () => this.changed());
    this.keySettings.draw();
    this.caution.open(task);
    this.showMissing();
    window.scrollTo({ top: 0 });
  }

  load(answer) {
    this.kind.load(answer);
    byId("rationale").value = answer.rationale || "";
    this.showMissing();
  }

  // --- the answer ---------------------------------------------------------------------------------------------------

  answer() {
    return { ...this.kind.answer(), rationale: byId("rationale").value, active_ms: this.attention.read() };
  }

  /** What would be sent now; null while something is missing, and for changes, which are no matter of haste. */
  readyAnswer() {
    return this.editing || !this.task || byId("work").hidden || this.kind.missing() ? null : this.answer();
  }

  changed() {
    this.showMissing();
    if (!this.editing) this.drafts.keep(this.answer());
  }

  showMissing() {
    const missing = this.kind.missing();
    byId("missing").textContent = missing;
    byId("submit").setAttribute("aria-disabled", String(Boolean(missing)));
    this.caution.look();
  }

  async submit() {
    if (this.busy || byId("work").hidden) return;
    const missing = this.kind.missing();
    if (missing) {
      announce(missing);
      this.kind.focusMissing();
      return;
    }
    await this.whileBusy(() => (this.editing ? this.sendEdit() : this.sendNew()), (error) => this.refuse(error));
  }

  async sendNew() {
    const body = { lease_token: this.lease.token, answer: this.answer(), next: true };
    this.drafts.clearTimer();
    this.drafts.local.write(this.task, body.answer, this.drafts.version);
    const saved = await this.sending.send(`${this.api}tasks/${this.task.id}/judgments`, body, { task: this.task.id });
    this.drafts.close();
    this.caution.learn(saved.habits);
    hideBanner();
    if (saved.feedback) await showFeedback(saved.feedback);
    else {
      countOne();
      showToast(sayAfter(saved.warnings), { action: () => this.openEdit(saved.id), actionText: "Undo", key: showCode(this.keys.shortcuts.undo) });
    }
    await this.next(saved.next);
  }

  refuse(error) {
    if (error instanceof ApiError && error.code === "lease_lost" && !this.editing) {
      this.drafts.close();
      this.tellKept();
      this.next();
    } else if (error instanceof ApiError && error.code === "already_submitted") {
      this.drafts.close();
      tellSubmittedElsewhere(error.extra, () => this.next());
    } else tellFailure(error, () => this.submit());
  }

  tellKept() {
    showToast("Your time for that task had run out and somebody else has taken it. Your answer is kept: a manager can still accept it.", { stays: true });
  }

  // --- taking back --------------------------------------------------------------------------------------------------

  /** Puts a judgment back on the screen; what is saved then is its next revision. The task at hand stays leased. */
  async openEdit(id, { isPage = false } = {}) {
    try {
      await this.drafts.send();
      const { judgment, task } = await call("GET", `${this.api}judgments/${id}`);
      this.drafts.stop();
      hideToast();
      this.setEditing({ id, isPage });
      this.show(task);
      this.attention.restart(judgment.answer.active_ms || 0);
      this.load(judgment.answer);
      this.kind.focus();
      announce("Your answer is back. Change it and save it again.");
    } catch (error) {
      tellFailure(error, () => this.openEdit(id, { isPage }));
    }
  }

  setEditing(editing) {
    this.editing = editing;
    document.body.classList.toggle("editing", Boolean(editing));
    byId("edit-reason").value = "";
  }

  async sendEdit() {
    const { id, isPage } = this.editing;
    const body = { answer: this.answer(), reason: byId("edit-reason").value };
    await this.sending.send(`${this.api}judgments/${id}/amend`, body);
    this.leaving = isPage;
    if (isPage) window.location.assign(this.main.dataset.back);
    else {
      showToast("Changed; the first answer stays in its history.");
      await this.next();
    }
  }

  leaveEdit() {
    if (this.editing.isPage) window.location.assign(this.main.dataset.back);
    else this.next();
  }

  // --- what else can be done to a task ------------------------------------------------------------------------------

  async skip(reason) {
    const path = `${this.api}leases/${this.lease.token}/skip`;
    await this.whileBusy(async () => {
      await call("POST", path, { body: { reason } });
      this.drafts.close();
      hideBanner();
      showToast("Skipped. It will not be offered to you again.");
      await this.next();
    }, (error) => (error.code === "lease_lost" ? this.next() : tellFailure(error, () => this.skip(reason))));
  }

  async flag(reason) {
    await this.whileBusy(async () => {
      await call("POST", `${this.api}tasks/${this.task.id}/flag`, { body: { reason } });
      hideBanner();
      showToast("Flagged. A manager will look at it.");
    }, (error) => tellFailure(error, () => this.flag(reason)));
  }

  async whileBusy(work, onFailure) {
    if (this.busy) return;
    this.setBusy(true);
    try {
      await work();
    } catch (error) {
      onFailure(error);
    } finally {
      this.setBusy(false);
    }
  }

  setBusy(busy) {
    this.busy = busy;
    this.main.classList.toggle("busy", busy);
    byId("dock").classList.toggle("busy", busy);
  }

  onDraft(state, detail) {
    showDraftState(state, detail);
    if (state !== "refused") return;
    if (detail.code === "draft_is_newer") tellNewerDraft(() => this.drafts.overrule(detail.extra.version));
    else if (detail.code === "lease_lost") tellLeaseLost();
  }

  bind() {
    this.input = new ScreenInput({ screen: this, keys: this.keys });
    document.addEventListener("input", ({ target }) => { if (target.matches("[data-reason]")) this.changed(); });
    byId("skip-form").addEventListener("submit", () => this.skip(byId("skip-reason").value));
    byId("flag-form").addEventListener("submit", () => this.flag(byId("flag-reason").value));
    window.addEventListener("pagehide", () => this.drafts.send({ keepalive: true }));
    window.addEventListener("beforeunload", (event) => {
      if (this.sending.isWaiting && !this.leaving) event.preventDefault();
    });
  }
}
