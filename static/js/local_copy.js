// The copy of an unfinished answer in this browser. It belongs to one person and remembers which text each letter stood
// for, because the same task may come back with its responses in another order.

const PREFIX = "concord.answer.";
const KEPT_MS = 30 * 24 * 3600 * 1000;

export class LocalCopy {
  constructor(who) {
    this.who = who;
    this.forgetOld();
  }

  keyOf(taskId) {
    return `${PREFIX}${this.who}.${taskId}`;
  }

  /** {answer, base} with the letters of this task, or null. `base`: the server's version that it builds on. */
  read(task) {
    const kept = readJson(this.keyOf(task.id));
    if (!kept || !kept.answer || !kept.marks) return null;
    const names = matchLetters(kept.marks, marksOf(task));
    return names ? { answer: rename(kept.answer, names), base: kept.base || 0 } : null;
  }

  write(task, answer, base) {
    const kept = { answer, base, marks: marksOf(task), at: Date.now() };
    try {
      localStorage.setItem(this.keyOf(task.id), JSON.stringify(kept));
    } catch {
      // A full or forbidden store costs the second copy, not the first: the server still gets the draft.
    }
  }

  remove(taskId) {
    try {
      localStorage.removeItem(this.keyOf(taskId));
    } catch {
      // As above.
    }
  }

  forgetOld() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith(PREFIX) && !(readJson(key)?.at > Date.now() - KEPT_MS)) localStorage.removeItem(key);
      }
    } catch {
      // As above.
    }
  }
}

export function readJson(key) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function marksOf(task) {
  return Object.fromEntries(task.responses.map(({ letter, text }) => [letter, hash(text)]));
}

/** {letter then: letter now}, or null where the texts are not the same ones. */
function matchLetters(then, now) {
  const free = Object.entries(now);
  const names = {};
  // Equal texts keep their letters where they can.
  const order = Object.keys(then).sort((one, other) => (now[other] === then[other]) - (now[one] === then[one]));
  for (const letter of order) {
    let at = free.findIndex(([name, mark]) => name === letter && mark === then[letter]);
    if (at < 0) at = free.findIndex(([, mark]) => mark === then[letter]);
    if (at < 0) return null;
    [[names[letter]]] = free.splice(at, 1);
  }
  return free.length ? null : names;
}

function rename(answer, names) {
  const all = (letters) => letters.map((letter) => names[letter]);
  const renamed = { ...answer };
  if (answer.tiers) renamed.tiers = answer.tiers.map(all);
  for (const field of ["bad", "unranked"]) if (answer[field]) renamed[field] = all(answer[field]);
  if (answer.scores) {
    renamed.scores = Object.fromEntries(Object.entries(answer.scores).map(([criterion, given]) => [
      criterion, Object.fromEntries(Object.entries(given).map(([letter, value]) => [names[letter], value])),
    ]));
  }
  return renamed;
}

/** Two 32-bit FNV-1a sums, the second over the text backwards. No secret: it only tells texts apart. */
function hash(text) {
  let [forth, back] = [2166136261, 2166136261];
  for (let at = 0; at < text.length; at += 1) {
    forth = Math.imul(forth ^ text.charCodeAt(at), 16777619);
    back = Math.imul(back ^ text.charCodeAt(text.length - 1 - at), 16777619);
  }
  return `${text.length}.${forth >>> 0}.${back >>> 0}`;
}
