// Drags the line "not acceptable" to another place between the lanes, by mouse or by finger.

export function dragLine({ line, lanes, onDrop }) {
  const grip = line.querySelector(".bad-grip");
  grip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    lanes.classList.add("line-moves");
    const move = ({ clientX, clientY }) => mark(lanes, placeUnder(lanes, clientX, clientY));
    const end = (last) => {
      grip.removeEventListener("pointermove", move);
      lanes.classList.remove("line-moves");
      mark(lanes, null);
      if (last.type === "pointerup") onDrop(placeUnder(lanes, last.clientX, last.clientY));
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end, { once: true });
    grip.addEventListener("pointercancel", end, { once: true });
  });
}

/** The number of the lane that would be the first below the line, were it dropped here. */
function placeUnder(lanes, x, y) {
  const isRightToLeft = getComputedStyle(lanes).direction === "rtl";
  const all = [...lanes.querySelectorAll(".lane")];
  const passed = all.filter((lane) => {
    const box = lane.getBoundingClientRect();
    const middle = box.left + box.width / 2;
    const isBefore = isRightToLeft ? middle > x : middle < x;
    return box.bottom < y || (box.top <= y && isBefore);
  });
  return passed.length;
}

function mark(lanes, at) {
  lanes.querySelectorAll(".lane").forEach((lane, index) => lane.classList.toggle("would-be-bad", at !== null && index >= at));
}
