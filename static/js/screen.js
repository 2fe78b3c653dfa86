// The screen on which tasks are judged, whatever their kind: gets work, keeps drafts, submits, and never loses an answer.
// The kind of feedback (`kind`) builds the answer; everything that concerns the server is here.

import { Attention } from "./attention.js";
import { announce, isTextField } from "./dom.js";
import { Drafts } from "./drafts.js";
import { ApiError, call, NetworkError } from "./http.js";
import { readAction } from "./keys.js";
import { Lease } from "./lease.js";
import { hideBanner, showBanner, showToast } from "./notices.js";
import { Sending } from "./sending.js";
import { explainNoWork, showMessage } from "./texts.js";

const byId = (id) => document.getElementById(id);

export class Screen {
  constructor(kind) {
    this.kind = kind;
    this.main = byId("judge");
    this.api = this.main.dataset.api;
    this.attention = new Attention();
    this.drafts = new Drafts({ api: this.api, onState: (state, detail) => this.showDraftState(state, detail) });
    this.lease = new Lease({ api: this.api, onLost: () => this.tellLeaseLost(), onTime: (left) => this.showTime(left) });
    this.sending = new Sending({ onWait: () => this.tellOffline() });
    this.busy = false;
    this.bind();
  }

  start() {
    if (this.isEdit) this.openEdit();
    else this.next();
  }

  // --- getting work -------------------------------------------------------------------------------------------------

  async next() {
    this.main.setAttribute("aria-busy", "true");
    this.lease.open(null);
    try {
      const work = await call("POST", `${this.api}projects/${this.main.dataset.project}/acquire`, { body: {} });
      hideBanner();
      if (work.task) this.open(work);
      else this.showNoWork(work);
    } catch (error) {
      this.tellFailure(error, () => this.next());
    } finally {
      this.main.removeAttribute("aria-busy");
    }
  }

  open({ task, lease, draft }) {
    this.lease.open(lease);
    const answer = this.drafts.open({ taskId: task.id, leaseToken: lease.token, draft });
    this.show(task);
    this.attention.restart(answer ? answer.active_ms || 0 : 0);
    if (answer) this.load(answer);
    this.showDraftState(answer ? "restored" : "new");
    this.kind.focus();
    announce(answer ? "Your unfinished answer to this task is back." : "A new task is ready.");
  }

  async openEdit() {
    try {
      const { judgment, task } = await call("GET", `${this.api}judgments/${this.main.dataset.edit}`);
      this.show(task);
      this.attention.restart(judgment.answer.active_ms || 0);
      this.load(judgment.answer);
      this.kind.focus();
    } catch (error) {
      this.tellFailure(error, () => this.openEdit());
    }
  }

  show(task) {
    this.task = task;
    byId("no-work").hidden = true;
    byId("work").hidden = byId("dock").hidden = false;
    byId("rationale").value = "";
    byId("prompt").replaceChildren(...task.prompt.map(showMessage));
    this.showGuideline(task.guideline_html);
    this.kind.mount(task, () => this.changed());
    this.showMissing();
    window.scrollTo({ top: 0 });
  }

  load(answer) {
    this.kind.load(answer);
    byId("rationale").value = answer.rationale || "";
    this.showMissing();
  }

  showGuideline(html) {
    for (const place of document.querySelectorAll("[data-guideline]")) {
      place.innerHTML = html;
      place.closest("[data-guideline-box]").hidden = !html;
    }
    byId("guidelines-button").hidden = !html;
  }

  showNoWork({ reason, until }) {
    byId("work").hidden = byId("dock").hidden = true;
    byId("no-work").hidden = false;
    byId("no-work-reason").textContent = explainNoWork(reason, until);
    byId("no-work-title").focus();
  }

  // --- the answer ---------------------------------------------------------------------------------------------------

  answer() {
    return { ...this.kind.answer(), rationale: byId("rationale").value, active_ms: this.attention.read() };
  }

  changed() {
    this.showMissing();
    if (!this.isEdit) this.drafts.keep(this.answer());
  }

  get isEdit() {
    return "edit" in this.main.dataset;
  }

  showMissing() {
    const missing = this.kind.missing();
    byId("missing").textContent = missing;
    byId("submit").setAttribute("aria-disabled", String(Boolean(missing)));
  }

  async submit() {
    if (this.busy || byId("work").hidden) return;
    const missing = this.kind.missing();
    if (missing) {
      announce(missing);
      this.kind.focusMissing();
      return;
    }
    this.setBusy(true);
    try {
      await (this.isEdit ? this.sendEdit() : this.sendNew());
    } catch (error) {
      this.refuse(error);
    } finally {
      this.setBusy(false);
    }
  }

  async sendNew() {
    const body = { lease_token: this.lease.token, answer: this.answer() };
    clearTimeout(this.drafts.timer);
    this.drafts.writeLocal(body.answer);
    const saved = await this.sending.send(`${this.api}tasks/${this.task.id}/judgments`, body);
    this.drafts.close();
    this.countOne();
    hideBanner();
    showToast("Saved.", { link: `/judgments/${saved.id}/edit/`, linkText: "Undo or edit" });
    await this.next();
  }

  async sendEdit() {
    const body = { answer: this.answer(), reason: byId("edit-reason").value };
    await this.sending.send(`${this.api}judgments/${this.main.dataset.edit}/amend`, body);
    this.leaving = true;
    window.location.assign(this.main.dataset.back);
  }

  refuse(error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "lease_lost" && !this.isEdit) {
      this.drafts.close();
      showToast("Your time for that task had run out and somebody else has taken it. Your answer is kept: a manager can still accept it.", { stays: true });
      this.next();
    } else this.tellFailure(error, () => this.submit());
  }

  // --- what else can be done to a task ------------------------------------------------------------------------------

  async skip(reason) {
    await this.give("skip", `${this.api}leases/${this.lease.token}/skip`, { reason }, "Skipped. It will not be offered to you again.");
  }

  async give(name, path, body, sentence) {
    if (this.busy) return;
    this.setBusy(true);
    try {
      await call("POST", path, { body });
      if (name === "skip") this.drafts.close();
      hideBanner();
      showToast(sentence);
      if (name === "skip") await this.next();
    } catch (error) {
      if (error instanceof ApiError && error.code === "lease_lost" && name === "skip") await this.next();
      else this.tellFailure(error, () => this.give(name, path, body, sentence));
    } finally {
      this.setBusy(false);
    }
  }

  // --- what people are told -----------------------------------------------------------------------------------------

  tellFailure(error, again) {
    const retry = { action: () => { hideBanner(); again(); }, actionText: "Try again" };
    if (error instanceof NetworkError) showBanner("No connection to the server. What you did is kept in this browser.", retry);
    else if (!(error instanceof ApiError)) throw error;
    else if (error.status === 401 || (error.status === 403 && error.code !== "not_permitted")) {
      showBanner("You are signed out. Sign in again in a new tab, then reload this page; what you did is kept here.", { link: "/", linkText: "Sign in" });
    } else {
      const faults = (error.extra.faults || []).map((fault) => `${fault.field}: ${fault.message}`).join("; ");
      showBanner(faults ? `${error.message} ${faults}` : error.message, { ...retry, tone: "error" });
    }
  }

  tellOffline() {
    showBanner("No connection. Your answer is safe in this browser and is sent by itself as soon as the connection is back.", {
      action: () => this.sending.retry(), actionText: "Send now",
    });
  }

  tellLeaseLost() {
    showBanner("This task was not touched for long and is no longer reserved for you. You can still submit: if somebody else has taken it, your answer is kept for a manager.");
  }

  showTime(left) {
    const place = byId("time-left");
    place.hidden = left === null;
    if (left !== null) place.textContent = `reserved for ${Math.floor(left / 60000)}:${String(Math.floor(left / 1000) % 60).padStart(2, "0")}`;
  }

  showDraftState(state, detail) {
    const sentences = { new: "", restored: "draft restored", saving: "saving…", saved: "draft saved", offline: "kept in this browser", refused: "draft not saved" };
    byId("draft-state").textContent = sentences[state];
    if (state !== "refused") return;
    if (detail.code === "draft_is_newer") showBanner("This task is open in another tab, and that tab's draft is newer.", { action: () => window.location.reload(), actionText: "Show the newer one" });
    else if (detail.code === "lease_lost") this.tellLeaseLost();
  }

  countOne() {
    for (const node of document.querySelectorAll("[data-count]")) node.textContent = String(Number(node.textContent) + 1);
    const bar = byId("my-progress");
    if (bar) bar.value += 1;
  }

  setBusy(busy) {
    this.busy = busy;
    this.main.classList.toggle("busy", busy);
    byId("dock").classList.toggle("busy", busy);
  }

  // --- keys, buttons, dialogs ---------------------------------------------------------------------------------------

  bind() {
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) this.act(button.dataset.action, button.dataset.value, event);
    });
    byId("rationale").addEventListener("input", () => this.changed());
    byId("skip-form").addEventListener("submit", () => this.skip(byId("skip-reason").value));
    byId("flag-form").addEventListener("submit", () => {
      this.give("flag", `${this.api}tasks/${this.task.id}/flag`, { reason: byId("flag-reason").value }, "Flagged. A manager will look at it.");
    });
    window.addEventListener("pagehide", () => this.drafts.send({ keepalive: true }));
    window.addEventListener("beforeunload", (event) => {
      if (this.sending.isWaiting && !this.leaving) event.preventDefault();
    });
  }

  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]") || byId("work").hidden) return;
    if (isTextField(event.target)) return this.onKeyInText(event);
    const found = readAction(event);
    if (!found) return;
    // Enter on a button or link means that button or link.
    if (found.action === "submit" && !event.ctrlKey && !event.metaKey && event.target.closest("button, a, summary")) return;
    if (this.act(found.action, found.value, event) !== false) event.preventDefault();
  }

  onKeyInText(event) {
    if (event.key === "Escape") this.kind.focus();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit();
    else return;
    event.preventDefault();
  }

  act(action, value, event) {
    if (this.busy) return undefined;
    const mine = {
      submit: () => this.submit(),
      skip: () => this.openDialog("skip-dialog"),
      flag: () => this.openDialog("flag-dialog"),
      guidelines: () => this.openDialog("guideline-dialog"),
      keys: () => this.openDialog("keys-dialog"),
      note: () => byId("rationale").focus(),
      retry: () => this.next(),
    }[action];
    return mine ? void mine() : this.kind.act(action, value, event);
  }

  openDialog(id) {
    if (this.isEdit && (id === "skip-dialog" || id === "flag-dialog")) return;
    const dialog = byId(id);
    for (const field of dialog.querySelectorAll("textarea, input[type=text]")) field.value = "";
    dialog.showModal();
  }
}
