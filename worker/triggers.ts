/** What the page alone can see: network, visibility, focus. Never decides whether a round is due: the core does. */

import type { Trigger } from "./core.js";

/** Tells `send` of the page's events until the returned function is called. */
export function forwardTriggers(send: (kind: Trigger) => void, page: Window = window): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  page.addEventListener("online", () => send("online"), { signal });
  page.addEventListener("offline", () => send("offline"), { signal });
  page.addEventListener("focus", () => send("focus"), { signal });
  page.addEventListener("pageshow", (event) => event.persisted && send("visible"), { signal });
  page.addEventListener("pagehide", () => send("hidden"), { signal });
  page.document.addEventListener("visibilitychange", () => send(page.document.hidden ? "hidden" : "visible"), { signal });
  return () => stop.abort();
}
