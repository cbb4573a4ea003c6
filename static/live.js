// Draws the entries of the log again when there are new ones. The page works without it.
//
// The server only says that something is new (/teams/…/live); what is new is read from the page's own address, with its
// filter. Only a page that is looked at keeps a connection, and it reads the log at most every two seconds.
(() => {
  "use strict";

  const PAUSE = 2000;
  const shown = () => document.querySelector("[data-live]");
  if (!shown() || !window.EventSource) {
    return;
  }

  let events = null;
  let newest = shown().dataset.newest;
  let wanted = newest;
  let readAt = 0;
  let waiting = null;
  let reading = false;

  // Where the keyboard is, in words that still mean the same after drawing again.
  const placeOf = (list) => {
    const at = document.activeElement;
    const owner = list.contains(at) ? at.closest("[id]") : null;
    return owner ? { id: owner.id, index: [...owner.querySelectorAll("a, button, summary")].indexOf(at) } : null;
  };

  const draw = (fresh) => {
    const list = shown();
    const place = placeOf(list);
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
    const status = document.querySelector("[data-live-status]");
    if (status && added > 0) {
      status.textContent = added === 1 ? "A new entry." : `${added} new entries.`;
    }
  };

  const read = async () => {
    waiting = null;
    reading = true;
    readAt = Date.now();
    const asked = wanted;
    try {
      const answer = await fetch(location.href, { headers: { "x-patchbay-part": "log" } });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        if (fresh) {
          newest = asked;
          draw(document.adoptNode(fresh));
        }
      }
    } catch {
      // The connection is away; the events come back when it does, and say again what is newest.
    }
    reading = false;
    plan();
  };

  const plan = () => {
    if (wanted !== newest && !reading && waiting === null && events) {
      const pause = Math.max(0, readAt + PAUSE - Date.now());
      waiting = setTimeout(read, pause + Math.random() * 300);
    }
  };

  const watch = () => {
    if (document.visibilityState === "hidden") {
      events?.close();
      events = null;
      clearTimeout(waiting);
      waiting = null;
    } else if (!events) {
      events = new EventSource(shown().dataset.live);
      events.addEventListener("log", (event) => {
        wanted = event.data;
        plan();
      });
    }
  };

  document.addEventListener("visibilitychange", watch);
  window.addEventListener("pagehide", () => events?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      events = null;
      watch();
    }
  });
  watch();
})();
