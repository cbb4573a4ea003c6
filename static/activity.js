// Keeps a part of a page fresh while somebody looks at it. Without scripts there is "Look again".
const part = document.querySelector("[data-live]");
let shown = "";
const look = async () => {
  // Nobody looks, or something in it is being used.
  if (document.hidden || part.contains(document.activeElement)) return;
  const answer = await fetch(part.dataset.live).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = await answer.text();
  if (fresh !== shown) part.innerHTML = shown = fresh;
};
if (part) setInterval(look, 3000);
