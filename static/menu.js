// What hangs over the page is put away with Escape, and the account menu by a click beside it too. Without scripts their own
// buttons do it.
const away = (fold) => {
  // Otherwise the keyboard would be nowhere.
  if (fold.contains(document.activeElement)) fold.querySelector("summary").focus();
  fold.open = false;
};
addEventListener("keydown", (event) => {
  // What lies above it had the key.
  if (event.key !== "Escape" || event.defaultPrevented) return;
  document.querySelectorAll(".account[open], .confirm[open]").forEach(away);
});
addEventListener("click", (event) => {
  const menu = document.querySelector(".account[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});
