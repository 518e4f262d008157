/** The page's part of syncing in the background: asks the browser for it in time. Never syncs: the service worker does. */

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

/** The interfaces that not every browser has. */
interface Registration extends ServiceWorkerRegistration {
  readonly sync?: { register(tag: string): Promise<void> };
  readonly periodicSync?: { register(tag: string, options: { minInterval: number }): Promise<void>; unregister(tag: string): Promise<void> };
}

/**
 * Has the browser sync once it can, whenever edits wait while the backend cannot be reached or the page is put away.
 *
 * Where the browser has no Background Sync this does nothing: what waits goes out at the next start of the app.
 */
export function requestBackgroundSync(
  sync: Pick<Sync, "subscribe" | "getSnapshot">,
  { registration = navigator.serviceWorker?.ready, tag = "lastword", periodicMs }: RequestOptions = {},
): () => void {
  let isAsked = false;
  const ask = async () => {
    const { sync: background } = (await registration) as Registration;
    await background?.register(tag);
  };
  const look = () => {
    const { pending, state } = sync.getSnapshot();
    if (pending === 0) isAsked = false;
    else if (!isAsked && (document.hidden || state === "offline" || state === "failed")) {
      isAsked = true;
      ask().catch(refused);
    }
  };
  if (periodicMs !== undefined) periodically(registration, tag, periodicMs).catch(refused);
  document.addEventListener("visibilitychange", look);
  const stop = sync.subscribe(look);
  look();
  return () => {
    document.removeEventListener("visibilitychange", look);
    stop();
  };
}

async function periodically(registration: RequestOptions["registration"], tag: string, minInterval: number): Promise<void> {
  const { periodicSync } = (await registration) as Registration;
  if (!periodicSync) return;
  const { state } = await navigator.permissions.query({ name: "periodic-background-sync" as PermissionName });
  if (state === "granted") await periodicSync.register(tag, { minInterval });
}

/** The user or the browser does not want it: the next start of the app syncs. */
function refused(): void {}
