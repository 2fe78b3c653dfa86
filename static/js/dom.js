// Builds elements and speaks to people who listen. Text always goes in as text; only `html`, which the server has
// sanitised, goes in as markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "html") node.innerHTML = value;
    else if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function announce(sentence) {
  const region = document.getElementById("announcer");
  // The same sentence twice in a row must be read twice.
  region.textContent = region.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

export function isTextField(node) {
  return node instanceof HTMLElement && node.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}

export function listLetters(letters) {
  return letters.length < 2 ? letters.join("") : `${letters.slice(0, -1).join(", ")} and ${letters.at(-1)}`;
}

export function ordinal(number) {
  const tail = number % 100 > 10 && number % 100 < 14 ? 0 : number % 10;
  return `${number}${["th", "st", "nd", "rd"][tail] || "th"}`;
}
