// Writing without leaving the keyboard: Ctrl and Enter (or ⌘ and Enter) send what stands in the field.
(() => {
  "use strict";

  const field = document.querySelector("[data-sends]");
  if (!field) {
    return;
  }
  // Who writes on glass has no such keys.
  if (matchMedia("(hover: hover)").matches) {
    const key = navigator.userAgent.includes("Mac") ? "⌘" : "Ctrl";
    document.getElementById(`${field.id}-help`)?.append(` ${key}+Enter adds it.`);
  }
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
})();
