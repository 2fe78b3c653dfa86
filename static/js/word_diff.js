// Which words two texts share, by their longest common subsequence.

const MOST_CELLS = 16_000_000;

/** Words with the blanks after them; Chinese, Japanese and Thai are cut into words too, where the browser can. */
export function splitWords(text) {
  if (typeof Intl.Segmenter === "function") {
    const pieces = [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)].map((piece) => piece.segment);
    return pieces.reduce((words, piece) => {
      if (words.length && /^\s+$/.test(piece)) words[words.length - 1] += piece;
      else words.push(piece);
      return words;
    }, []);
  }
  return text.match(/\s*\S+\s*/g) || [];
}

/** {left, right}: each a list of [text, isShared] runs that joined give the text again. */
export function diffWords(leftText, rightText) {
  const [left, right] = cut(leftText, rightText);
  const shared = findShared(left.map((word) => word.trim()), right.map((word) => word.trim()));
  return { left: joinRuns(left, shared.left), right: joinRuns(right, shared.right) };
}

/** Into words; two very long texts are compared line by line, so that the page never stands still. */
function cut(leftText, rightText) {
  const words = [splitWords(leftText), splitWords(rightText)];
  if (words[0].length * words[1].length <= MOST_CELLS) return words;
  return [leftText, rightText].map((text) => text.match(/[^\n]*\n|[^\n]+$/g) || []);
}

function findShared(left, right) {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let tail = 0;
  while (tail < left.length - start && tail < right.length - start && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;
  const marks = { left: left.map((_, at) => at < start || at >= left.length - tail), right: right.map((_, at) => at < start || at >= right.length - tail) };
  const pairs = commonPairs(left.slice(start, left.length - tail), right.slice(start, right.length - tail));
  for (const [one, other] of pairs) marks.left[start + one] = marks.right[start + other] = true;
  return marks;
}

function commonPairs(left, right) {
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  for (let one = left.length - 1; one >= 0; one -= 1) {
    for (let other = right.length - 1; other >= 0; other -= 1) {
      const at = one * width + other;
      lengths[at] = left[one] === right[other] ? lengths[at + width + 1] + 1 : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  const pairs = [];
  for (let one = 0, other = 0; one < left.length && other < right.length;) {
    const at = one * width + other;
    if (left[one] === right[other]) pairs.push([one++, other++]);
    else if (lengths[at + width] >= lengths[at + 1]) one += 1;
    else other += 1;
  }
  return pairs;
}

function joinRuns(words, isShared) {
  const runs = [];
  words.forEach((word, at) => {
    if (runs.length && runs.at(-1)[1] === isShared[at]) runs.at(-1)[0] += word;
    else runs.push([word, isShared[at]]);
  });
  return runs;
}
