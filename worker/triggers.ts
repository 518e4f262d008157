/** What the page alone can see: network, visibility, focus. Never decides whether a round is due: the core does. */

import type { Trigger } from "./core.js";

/** Tells `send` of the page's events until the returned function is called. */
export function forwardTriggers(send: (kind: Trigger) => void, page: Window = window): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  page.addEventListener("online", () => send("online"), { signal });
  page.addEventListener("offline", () => send("offline"), { signal });
  page.addEventListener("focus", () => send("focus"), { signal });
  // A page kept for the back button is frozen too, and one that holds the lead is not kept.
  page.addEventListener("pageshow", (event) => event.persisted && send("resume"), { signal });
  page.addEventListener("pagehide", (event) => send(event.persisted ? "freeze" : "hidden"), { signal });
  page.document.addEventListener("freeze", () => send("freeze"), { signal });
  page.document.addEventListener("resume", () => send("resume"), { signal });
  page.document.addEventListener("visibilitychange", () => send(page.document.hidden ? "hidden" : "visible"), { signal });
  if (page.document.hidden) send("hidden");
  return () => stop.abort();
}
