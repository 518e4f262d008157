/** Registers the service worker: the page then opens without a network, and what waits goes out with the page closed. */

import { requestBackgroundSync } from "lastword/background";
import type { AppSync } from "../model.js";

/** Where the browser cannot, the app works without it. */
export function keepShell(): void {
  if (!isAble()) return;
  navigator.serviceWorker.register("./shell-worker.js").catch((error: unknown) => console.warn("the page is not kept for offline use:", error));
}

/** Has the browser sync what waits once it can. */
export function keepSyncing(sync: AppSync): void {
  if (isAble()) requestBackgroundSync(sync);
}

function isAble(): boolean {
  return import.meta.env.PROD && "serviceWorker" in navigator;
}
