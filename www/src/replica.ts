/** Opens lastword for this app. Everything else in the app only sees the `Sync` that comes back. */

import { createSync } from "lastword";
import { faultyWorker } from "./devices/start-faulty.js";
import { entitiesWith, serverAt, type AppSync } from "./model.js";
import { isOn, type Settings } from "./settings.js";

/** Opens the local database; syncs by itself when it is on. */
export function openReplica(database: string, settings: Settings): Promise<AppSync> {
  const worker = faultyWorker(database);
  return createSync({
    database,
    entities: entitiesWith(settings.conflicts),
    backend: serverAt(settings.server),
    token: settings.key,
    autoStart: isOn(settings),
    ...(worker ? { worker } : {}),
  });
}

/** Takes a new server or key: sync goes on with them, or stops when it is off. */
export async function applySettings(sync: AppSync, settings: Settings): Promise<void> {
  await sync.configure({ backend: serverAt(settings.server), token: settings.key });
  if (isOn(settings)) await sync.start();
  else await sync.stop();
}
