// Makes a field with many choices a combobox (ARIA APG: list autocomplete), and draws a form again when a field is changed that
// decides what there is to choose. Without scripts, buttons do both.
//
// What fits is asked of the server as somebody types; what they paste is theirs.
const PAUSE = 150;

// How often the form was asked to be drawn again: an answer to an earlier choice may come after the one to the last.
let redrawn = 0;

const combobox = (field) => {
  const input = field.querySelector("input");
  const list = document.createElement("ul");
  const status = document.createElement("p");
  let at = -1;
  let asked = 0;
  let waiting = 0;
  // Whether what stands in the field is being looked for, rather than chosen: then all there is may be chosen instead.
  let seeking = false;
  list.id = `${input.id}-list`;
  list.className = "combo-list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.querySelector("label").textContent);
  status.className = "hidden-visually";
  status.setAttribute("role", "status");
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
    input.setAttribute(name, value);
  }
  // The browser's own list would lie over ours.
  input.removeAttribute("list");
  field.querySelectorAll(".combo-search, .combo-offered, datalist").forEach((part) => part.remove());
  field.querySelector(".combo-line").append(list, status);

  const options = () => [...list.querySelectorAll("[role=option]")];
  const close = () => {
    clearTimeout(waiting);
    asked += 1;
    at = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const go = (to) => {
    const all = options();
    // Not opened: nothing was answered, or the keyboard went on meanwhile.
    if (list.hidden || all.length === 0) return;
    all[at]?.setAttribute("aria-selected", "false");
    at = (to + all.length) % all.length;
    all[at].setAttribute("aria-selected", "true");
    all[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", all[at].id);
  };
  const choose = (option) => {
    input.value = option.dataset.value;
    seeking = false;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const open = async (sought) => {
    clearTimeout(waiting);
    const mine = (asked += 1);
    const typed = new FormData(input.form);
    const address = new URL(field.dataset.choices, location.href);
    // Other fields may decide what there is here.
    for (const name of (input.form.querySelector("[data-redraws]")?.dataset.redraws ?? "").split(" ")) {
      if (name && typed.has(name)) address.searchParams.set(name, typed.get(name));
    }
    address.searchParams.set("q", sought);
    const answer = await fetch(address).catch(() => null);
    if (mine !== asked || !answer?.ok || answer.redirected || document.activeElement !== input) return;
    list.innerHTML = await answer.text();
    if (mine !== asked) return;
    at = -1;
    input.removeAttribute("aria-activedescendant");
    options().forEach((option, index) => (option.id = `${list.id}-${index}`));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    status.textContent = list.querySelector("[data-said]")?.textContent ?? "";
  };

  input.addEventListener("input", () => {
    seeking = input.value !== "";
    clearTimeout(waiting);
    waiting = setTimeout(() => open(input.value), PAUSE);
  });
  input.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const down = event.key === "ArrowDown";
      if (list.hidden) await open(seeking ? input.value : "");
      go(down ? at + 1 : at < 0 ? -1 : at - 1);
    } else if (event.key === "Enter" && !list.hidden && at >= 0) {
      event.preventDefault();
      choose(options()[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener("click", () => list.hidden && open(""));
  input.addEventListener("blur", close);
  // The field keeps the keyboard while the mouse chooses.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
};

const begin = (fields) => {
  fields.querySelectorAll("[data-choices]").forEach(combobox);
  const redraws = (fields.dataset.redraws ?? "").split(" ").filter(Boolean);
  fields.querySelectorAll(".combo-redraw").forEach((button) => button.remove());
  const form = fields.closest("form");
  fields.addEventListener("change", async (event) => {
    if (!redraws.includes(event.target.name)) return;
    const sent = new URLSearchParams(new FormData(form));
    sent.set("action", "redraw");
    const mine = (redrawn += 1);
    // Its buttons are called `action`, and hide the property of that name.
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: sent }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-fields]");
    if (!fresh || mine !== redrawn) return;
    const place = document.activeElement?.id;
    fields.replaceWith(document.adoptNode(fresh));
    begin(fresh);
    if (place) document.getElementById(place)?.focus({ preventScroll: true });
  });
};

document.querySelectorAll("[data-fields]").forEach(begin);
