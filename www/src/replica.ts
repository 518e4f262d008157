/** Opens lastword for this app. Everything else in the app only sees the `Sync` that comes back. */

import { createSync } from "lastword";
import { faultyWorker } from "./devices/start-faulty.js";
import { entitiesWith, type AppSync } from "./model.js";
import type { Settings } from "./settings.js";

/** Opens the local database; syncs by itself when there is a key. */
export function openReplica(database: string, settings: Settings): Promise<AppSync> {
  const worker = faultyWorker(database);
  return createSync({
    database,
    entities: entitiesWith(settings.conflicts),
    backend: { url: settings.server },
    token: settings.key,
    autoStart: settings.key !== "",
    ...(worker ? { worker } : {}),
  });
}

/** Takes a new server or key: sync goes on with them, or stops when there is no key. */
export async function applySettings(sync: AppSync, { server, key }: Settings): Promise<void> {
  await sync.configure({ backend: { url: server }, token: key });
  if (key) await sync.start();
  else await sync.stop();
}
