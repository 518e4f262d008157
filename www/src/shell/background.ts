/**
 * What the service worker needs to sync when the page is gone, kept where it can read it.
 *
 * Never kept without the user's leave: the key is a secret, and whoever opens this browser could use it.
 */

import type { Settings } from "../settings.js";

/** The settings of the database that syncs in the background. */
export type Kept = Pick<Settings, "server" | "key" | "conflicts"> & { database: string };

/** Keeps them, or forgets what was kept. */
export async function keepForBackground(kept: Kept | undefined): Promise<void> {
  if (!("caches" in globalThis)) return;
  if (kept === undefined) await caches.delete(CACHE);
  else await (await caches.open(CACHE)).put(ENTRY, Response.json(kept));
}

/** What was kept, if anything. */
export async function keptForBackground(): Promise<Kept | undefined> {
  const entry = await caches.match(ENTRY, { cacheName: CACHE });
  return (await entry?.json()) as Kept | undefined;
}

const CACHE = "background-settings";
const ENTRY = "./background-settings";
