/**
 * The sync of a service worker: one round for each `sync` or `periodicsync` event, also with every page closed.
 *
 * Never syncs by itself and keeps nothing between two events: the browser may stop a service worker at any moment, and
 * whatever is needed to go on is in the database. There is no `import()` here, which service workers refuse.
 */

import type { EntityMap, SyncOptions } from "lastword";
import init, { SyncCore } from "./lastword.js";
import { coreCalls } from "./core.js";
import { exchange } from "./custom.js";
import { askToken, coreConfig } from "./options.js";
import { Tabs } from "./tabs.js";

/** What a service worker needs beyond the options of the page. */
export interface BackgroundOptions {
  /** The events to answer: the tag that the page registers. `lastword` when absent. */
  readonly tag?: string;
  /** Where `lastword_bg.wasm` is; beside this script when absent. It is looked up in the app's caches first. */
  readonly wasm?: string | URL;
}

/** The options of this app's `createSync`, or a function that finds them; nothing to leave this event be. */
export type BackgroundSource = SyncOptions<EntityMap> | (() => Promise<SyncOptions<EntityMap> | undefined> | SyncOptions<EntityMap> | undefined);

/** A `sync` or `periodicsync` event. */
interface TaggedEvent extends Event {
  readonly tag: string;
  waitUntil(until: Promise<unknown>): void;
}

/** Answers the browser's sync events from now on. Call it while the script is first run, as listeners must be. */
export function syncInBackground(source: BackgroundSource, { tag = "lastword", wasm }: BackgroundOptions = {}): void {
  let last: Promise<unknown> = Promise.resolve();
  const due = (event: Event) => {
    const asked = event as TaggedEvent;
    if (asked.tag !== tag) return;
    // One after the other: what was written during a round is the next one's.
    const done = last.then(() => round(source, wasm));
    last = done.catch(quiet);
    // A round that fails rejects: the browser then asks again later.
    asked.waitUntil(done);
  };
  addEventListener("sync", due);
  addEventListener("periodicsync", due);
}

/** One round, here or by the tab that leads. */
async function round(source: BackgroundSource, wasm: string | URL | undefined): Promise<void> {
  const options = typeof source === "function" ? await source() : source;
  if (!options) return;
  await load(wasm);
  const { realtime: _realtime, ...config } = coreConfig(options, scope());
  const tabs = new Tabs(config.database, quiet);
  try {
    const raw = await SyncCore.open(config, {
      emit: (event) => tabs.emit(event),
      token: (refresh) => askToken(options.token, refresh),
      exchange: (request) => exchange(options.backend, request),
    });
    const core = coreCalls(raw);
    try {
      tabs.join(core);
      await tabs.syncNow(core);
    } finally {
      await core.destroy();
    }
  } finally {
    tabs.close();
  }
}

async function load(wasm: string | URL | undefined): Promise<void> {
  const url = wasm === undefined ? new URL("./lastword_bg.wasm", import.meta.url) : new URL(wasm, location.href);
  await init({ module_or_path: (await caches.match(url)) ?? url });
}

function scope(): string {
  return (globalThis as unknown as { registration: ServiceWorkerRegistration }).registration.scope;
}

/** Told by the round's own promise, or of no concern where no page is open. */
function quiet(): void {}
