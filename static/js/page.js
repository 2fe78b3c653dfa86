// Small manners of every page: menus and dialogs that close, questions before what cannot be undone, copy buttons.

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Paper has no way to unfold: tables are printed whole, and folded again afterwards.
const folded = new Set();
window.addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll(".as-table:not([open]), .counts:not([open])")) {
    folded.add(each);
    each.open = true;
  }
});
window.addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
  folded.clear();
});

// On a narrow screen the bars of pages scroll: the page one is on shall be in sight.
for (const bar of document.querySelectorAll(".nav, .subnav")) {
  const here = bar.querySelector("[aria-current]");
  if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
}

// A long form that was refused is shown where it is wrong.
document.querySelector('[aria-invalid="true"]')?.focus();

for (const field of document.querySelectorAll("[data-submits]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.textContent = "Copied";
}
