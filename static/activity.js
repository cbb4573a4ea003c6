// Keeps a part of a page fresh while somebody looks at it. Without scripts there is "Look again".
import { isChosen, isOver, pauseAfter } from "./fresh.js";

const part = document.querySelector("[data-live]");
let failures = 0;

const isUsed = () => part.contains(document.activeElement) || isChosen(part);

// True when it will not change any more, or is not ours to see.
const look = async () => {
  if (document.hidden || isUsed()) return false;
  const answer = await fetch(part.dataset.live).catch(() => null);
  if (answer && isOver(answer)) return true;
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  failures = text === null ? failures + 1 : 0;
  const fresh = document.createElement("template");
  fresh.innerHTML = text ?? part.innerHTML;
  const goesOn = part.querySelector("[data-goes-on]") !== null;
  // Compared as the browser writes both.
  if (fresh.innerHTML.trim() !== part.innerHTML.trim() && !isUsed()) {
    part.replaceChildren(fresh.content);
  }
  return goesOn && part.querySelector("[data-goes-on]") === null;
};

const lookAgain = async () => {
  if (!(await look())) setTimeout(lookAgain, pauseAfter(failures));
};
if (part) setTimeout(lookAgain, pauseAfter(0));
