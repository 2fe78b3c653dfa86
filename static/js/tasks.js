// The task table: select all rows of the page, say how many are selected, and show only the fields an action needs.

const form = document.getElementById("bulk");
if (form) {
  const all = document.getElementById("select-all");
  const boxes = [...form.querySelectorAll("[name=task]")];
  const scope = document.getElementById("scope");
  const action = document.getElementById("action");

  function count() {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    document.getElementById("selected-count").textContent = scope.value === "all" ? "" : `${chosen} selected`;
  }

  function fit() {
    const option = action.selectedOptions[0];
    const value = document.getElementById("value");
    value.hidden = !option.dataset.value;
    value.placeholder = option.dataset.value || "";
    value.setAttribute("aria-label", option.dataset.value || "Value");
    const skill = document.getElementById("skill");
    if (skill) skill.hidden = !("skill" in option.dataset);
  }

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  for (const box of boxes) box.addEventListener("change", count);
  scope.addEventListener("change", count);
  action.addEventListener("change", fit);
  count();
  fit();
}
