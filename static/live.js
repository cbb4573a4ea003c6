// Draws the entries of the log again when there are new ones. The page works without it.
//
// The server only says that something is new (/teams/…/live); what is new is read from the page's own address, with its
// filter. Only a page that is looked at keeps a connection, and it reads the log at most every two seconds.
import { isChosen, isOver, pauseAfter } from "./fresh.js";

// A browser opens a broken stream again by itself, but not one that was refused.
const REOPEN = 30000;

const shown = () => document.querySelector("[data-live]");
const status = document.querySelector("[data-live-status]");
let events = null;
let newest = shown()?.dataset.newest;
let wanted = newest;
let readAt = 0;
let failures = 0;
let waiting = null;
let reopening = null;
let reading = false;
let over = false;

const isSeen = () => document.visibilityState !== "hidden" && !over;

// Where the keyboard is, in words that still mean the same after drawing again.
const placeOf = (list) => {
  const at = document.activeElement;
  const owner = list.contains(at) ? at.closest("[id]") : null;
  return owner ? { id: owner.id, index: [...owner.querySelectorAll("a, button, summary")].indexOf(at) } : null;
};

// The entries from the top of the window on, where the list begins above it: who has scrolled into it is reading one.
const readingIn = (list) => {
  if (list.getBoundingClientRect().top >= 0) return [];
  const entries = [...list.querySelectorAll(".entry[id]")];
  return entries.map((entry) => ({ id: entry.id, box: entry.getBoundingClientRect() })).filter(({ box }) => box.bottom > 0);
};

const draw = (fresh) => {
  const list = shown();
  const place = placeOf(list);
  const read = readingIn(list);
  const before = new Set([...list.querySelectorAll(".entry[id]")].map((entry) => entry.id));
  const open = list.querySelector("details[open]") !== null;
  list.replaceWith(fresh);
  fresh.querySelectorAll("details").forEach((fold) => {
    fold.open = open;
  });
  let added = 0;
  fresh.querySelectorAll(".entry[id]").forEach((entry) => {
    if (!before.has(entry.id)) {
      entry.classList.add("entry-new");
      added += 1;
    }
  });
  if (place) {
    const owner = document.getElementById(place.id);
    owner?.querySelectorAll("a, button, summary")[place.index]?.focus({ preventScroll: true });
  }
  const still = read.find(({ id }) => document.getElementById(id));
  if (still) {
    scrollBy({ top: document.getElementById(still.id).getBoundingClientRect().top - still.box.top, behavior: "instant" });
  }
  if (status && added > 0) {
    status.textContent = added === 1 ? "A new entry." : `${added} new entries.`;
  }
};

const stop = () => {
  over = true;
  watch();
  if (status) {
    status.className = "flash flash-attention";
    status.textContent = "You no longer see this log here. Reload the page.";
  }
};

const read = async () => {
  waiting = null;
  reading = true;
  readAt = Date.now();
  const asked = wanted;
  // Not the window's address: a page that refused what was written stands under the address that took it.
  const answer = await fetch(shown().dataset.here, { headers: { "x-patchbay-part": "log" } }).catch(() => null);
  const page = answer?.ok && !answer.redirected ? await answer.text().catch(() => null) : null;
  reading = false;
  if (answer && isOver(answer)) return stop();
  const fresh = page && new DOMParser().parseFromString(page, "text/html").querySelector("[data-live]");
  failures = fresh ? 0 : failures + 1;
  if (fresh && !isChosen(shown())) {
    newest = asked;
    draw(document.adoptNode(fresh));
  }
  plan();
};

const plan = () => {
  if (wanted !== newest && !reading && waiting === null && isSeen() && !isChosen(shown())) {
    waiting = setTimeout(read, Math.max(0, readAt + pauseAfter(failures) - Date.now()));
  }
};

const watch = () => {
  if (!isSeen()) {
    events?.close();
    events = null;
    clearTimeout(waiting);
    clearTimeout(reopening);
    waiting = reopening = null;
  } else if (!events && reopening === null) {
    events = new EventSource(shown().dataset.live);
    events.addEventListener("log", (event) => {
      wanted = event.data;
      plan();
    });
    events.addEventListener("error", () => {
      if (events?.readyState !== EventSource.CLOSED) return;
      events = null;
      reopening = setTimeout(() => {
        reopening = null;
        // The page's own answer says whether the stream was refused for good.
        wanted = null;
        plan();
        watch();
      }, REOPEN + pauseAfter(0));
    });
  }
};

if (shown()) {
  document.addEventListener("visibilitychange", watch);
  document.addEventListener("selectionchange", plan);
  window.addEventListener("pagehide", () => events?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      events = null;
      watch();
    }
  });
  watch();
}
