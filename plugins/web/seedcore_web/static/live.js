// Keeps the parts of an open page up to date; without it a reload does the same.
"use strict";
(() => {
  const parts = () => document.querySelectorAll("[data-live][id]");
  if (!window.EventSource || !window.DOMParser || !parts().length) return;

  const QUIET = 10000; // ms between two announcements
  const PAUSE = 1500; // ms between two fetches, so that a busy server isn't asked for every seed
  const WORDS = { seeds: "new seeds", failures: "new failures", providers: "providers changed" };
  let source = null;
  let waiting = new Set();
  let timer = 0;
  let busy = false;
  let told = 0;

  const concerns = (section, changed) =>
    changed.has("all") || section.dataset.live.split(" ").some((part) => changed.has(part));

  // What a person has done in a section, to be done again in the new one.
  const focusables = (section) => [...section.querySelectorAll("a[href], button, summary, [tabindex]")];
  const nameOf = (element) => element.id || element.getAttribute("href") || element.textContent;
  const keep = (section) => ({
    open: [...section.querySelectorAll("details[open][id]")].map((each) => each.id),
    left: [...section.querySelectorAll(".scroll")].map((each) => each.scrollLeft),
    focus: section.contains(document.activeElement)
      ? [nameOf(document.activeElement), focusables(section).indexOf(document.activeElement)]
      : null,
  });
  const giveBack = (section, kept) => {
    for (const id of kept.open) section.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    section.querySelectorAll(".scroll").forEach((each, at) => (each.scrollLeft = kept.left[at] || 0));
    if (!kept.focus) return;
    const [name, at] = kept.focus;
    const found = focusables(section);
    const again = found.find((each) => nameOf(each) === name) || found[Math.min(at, found.length - 1)];
    again?.focus({ preventScroll: true });
  };
  // Its outline without what the person has changed, to see whether anything is new.
  const text = (section) => {
    const copy = section.cloneNode(true);
    copy.querySelectorAll("details[open]").forEach((each) => each.removeAttribute("open"));
    return copy.innerHTML;
  };

  const swap = (fresh, changed) => {
    let any = false;
    for (const section of parts()) {
      const next = fresh.getElementById(section.id);
      if (!next || !concerns(section, changed) || text(next) === text(section)) continue;
      if (section.querySelector("input, select, textarea")) continue; // nobody's typing is lost
      const kept = keep(section);
      section.replaceChildren(...document.importNode(next, true).childNodes);
      giveBack(section, kept);
      any = true;
    }
    return any;
  };

  const announce = (changed) => {
    const now = Date.now();
    if (now - told < QUIET) return;
    told = now;
    const words = [...changed].map((part) => WORDS[part]).filter(Boolean);
    document.getElementById("news").textContent = `Updated: ${words.join(", ") || "this page"}.`;
  };

  const update = async () => {
    timer = 0;
    if (busy || document.hidden) return;
    busy = true;
    const changed = waiting;
    waiting = new Set();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (swap(fresh, changed)) announce(changed);
      }
    } catch {
      // The server is away: the stream comes back by itself, and says what was missed.
    } finally {
      busy = false;
      if (waiting.size) later();
    }
  };
  const later = () => {
    timer ||= setTimeout(update, PAUSE * (0.2 + 0.8 * Math.random()));
  };

  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource("/events");
    const live = document.getElementById("live");
    source.addEventListener("open", () => (live.hidden = false));
    source.addEventListener("error", () => (live.hidden = true));
    source.addEventListener("changed", (event) => {
      for (const part of JSON.parse(event.data).parts) waiting.add(part);
      later();
    });
  };
  const stop = () => {
    source?.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return stop();
    waiting.add("all");
    later();
    listen();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
})();
