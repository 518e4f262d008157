/** Background Sync in the app's own service worker. */

import type { EntityMap, SyncOptions } from "lastword";

/** What a service worker needs beyond the options of the page. */
export interface BackgroundOptions {
  /** The events to answer: the tag that the page registers. `lastword` when absent. */
  readonly tag?: string;
  /** Where `lastword_bg.wasm` is; beside this script when absent. It is looked up in the app's caches first. */
  readonly wasm?: string | URL;
}

/**
 * The options of this app's `createSync`, or a function that finds them; nothing to leave this event be.
 *
 * `token` is asked here, where there may be no page: it must be something that a service worker can find.
 */
export type BackgroundSource = SyncOptions<EntityMap> | (() => Promise<SyncOptions<EntityMap> | undefined> | SyncOptions<EntityMap> | undefined);

/**
 * Answers the browser's `sync` and `periodicsync` events from now on: one round each, also with every page closed.
 *
 * Call it while the script is first run, as listeners must be. The wasm is loaded when the first event comes.
 */
export function syncInBackground(source: BackgroundSource, options?: BackgroundOptions): void;
