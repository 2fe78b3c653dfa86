// What text of models needs once it is on the page: code that can be copied, long boxes that the keyboard reaches.

import { announce, el } from "./dom.js";


/** A box of rendered text. `html` was sanitised by the server. */
export function showText(html, attributes = {}) {
  const box = el("div", { class: "read", dir: "auto", html: html || "<p><em>(empty response)</em></p>", ...attributes });
  for (const code of box.querySelectorAll("pre.hl")) {
    const frame = el("div", { class: "code-box" });
    code.replaceWith(frame);
    frame.append(code, el("button", { type: "button", class: "mini copy", on: { click: (event) => copyCode(event, code) } }, "Copy"));
  }
  return box;
}

async function copyCode(event, code) {
  event.stopPropagation();
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    announce("Copied.");
  } catch {
    // Without permission or on plain HTTP the person can still copy by hand: the code is selected for them.
    window.getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

/** Marks boxes whose text is longer than they are, so that keys can scroll them and a button can unfold them. */
export function watchOverflow(card, box) {
  const look = () => {
    const isLong = box.scrollHeight > box.clientHeight + 2;
    card.classList.toggle("long", isLong || card.classList.contains("unfolded"));
    if (isLong) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  const observer = new ResizeObserver(look);
  observer.observe(box);
  return observer;
}
