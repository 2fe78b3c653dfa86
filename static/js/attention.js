// Counts the time that a person really gives to a task: the page is visible and something was touched not long ago.

const IDLE_MS = 30000;
const TICK_MS = 1000;

export class Attention {
  constructor() {
    this.activeMs = 0;
    this.lastTick = performance.now();
    this.lastSign = performance.now();
    const sign = () => { this.lastSign = performance.now(); };
    for (const event of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
      document.addEventListener(event, sign, { passive: true, capture: true });
    }
    setInterval(() => this.tick(), TICK_MS);
  }

  tick() {
    const now = performance.now();
    if (document.visibilityState === "visible" && now - this.lastSign < IDLE_MS) {
      // A laptop that slept gives one very long tick; it was not attention.
      this.activeMs += Math.min(now - this.lastTick, 2 * TICK_MS);
    }
    this.lastTick = now;
  }

  restart(activeMs = 0) {
    this.activeMs = activeMs;
    this.lastTick = this.lastSign = performance.now();
  }

  read() {
    this.tick();
    return Math.round(this.activeMs);
  }
}
