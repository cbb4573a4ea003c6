// Finds while somebody types: what the server answers to the form takes the place of what it answered before. Without
// scripts there is "Search".
const form = document.querySelector("form[data-finds]");
let soon, asked = 0;
const find = async () => {
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const turn = ++asked;
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(form.dataset.finds);
  // Somebody typed on meanwhile.
  if (!fresh || turn !== asked) return;
  document.getElementById(form.dataset.finds).replaceWith(fresh);
  form.querySelector("[role=status]").textContent = fresh.dataset.count;
  history.replaceState(null, "", address);
};
form?.addEventListener("input", () => {
  clearTimeout(soon);
  soon = setTimeout(find, 150);
});
