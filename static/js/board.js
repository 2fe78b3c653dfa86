// The live board: clocks that run between two looks at the server, and no looks while nobody sees the page.

function spell(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function tick() {
  const now = Date.now();
  for (const clock of document.querySelectorAll("time[data-clock]")) {
    const at = Date.parse(clock.dateTime);
    if (Number.isNaN(at)) continue;
    const seconds = Math.round((clock.dataset.clock === "until" ? at - now : now - at) / 1000);
    const text = clock.dataset.clock === "since" ? `${spell(Math.max(0, seconds))} ago` : seconds > 0 ? `in ${spell(seconds)}` : "now";
    clock.title ||= clock.textContent;
    if (clock.textContent !== text) clock.textContent = text;
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "board-live" && document.hidden) event.preventDefault();
});

// What scrolls sideways stays where it was.
let places = [];
document.addEventListener("htmx:beforeSwap", () => {
  places = [...document.querySelectorAll("#board-live .scroll")].map((each) => each.scrollLeft);
});
document.addEventListener("htmx:afterSwap", () => {
  document.querySelectorAll("#board-live .scroll").forEach((each, index) => (each.scrollLeft = places[index] ?? 0));
  tick();
});

tick();
setInterval(tick, 1000);
