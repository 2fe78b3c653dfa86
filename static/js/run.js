// A run's page is refreshed every two seconds: what the reader has opened stays open, and focus stays where it was.

let open = [];
let focused = "";

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "run-live") return;
  open = [...event.detail.target.querySelectorAll("details[open]")].map((each) => each.id);
  focused = document.activeElement?.closest("#run-live details")?.id ?? "";
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.querySelector("summary").focus({ preventScroll: true });
  open = [];
  focused = "";
});
