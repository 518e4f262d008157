/** The page's part of syncing in the background. */

import type { Sync } from "lastword";

/** What is asked of the browser. */
export interface RequestOptions {
  /** The app's service worker, which calls `syncInBackground`. The one that controls this page's scope when absent. */
  readonly registration?: ServiceWorkerRegistration | Promise<ServiceWorkerRegistration>;
  /** As in the service worker. `lastword` when absent. */
  readonly tag?: string;
  /** Also syncs about this often with the page closed, where the browser and the user permit it. */
  readonly periodicMs?: number;
}

/**
 * Has the browser sync once it can, whenever edits wait while the backend cannot be reached or the page is put away.
 *
 * Where the browser has no Background Sync this does nothing: what waits goes out at the next start of the app. Answers
 * a function that stops it.
 */
export function requestBackgroundSync(sync: Pick<Sync, "subscribe" | "getSnapshot">, options?: RequestOptions): () => void;
