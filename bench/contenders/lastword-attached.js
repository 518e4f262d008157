// lastword on a database of the app's own, made and written with Dexie, as its README shows.
import { Dexie } from "dexie";
import { createSync } from "/pkg/client.js";
import { lastwordDexie, lastwordStores } from "lastword/dexie";
import { running } from "/contenders/lastword-replica.js";

/** Opens the app's database, then the sync on it. */
export async function open({ base, database, entities, schema, worker }) {
  const db = new Dexie(database);
  db.version(1).stores({ ...Object.fromEntries(entities.map((name) => [name, "id,clientUpdatedAt"])), ...lastwordStores });
  const declared = Object.fromEntries(entities.map((name) => [name, { schema, detect: "scan" }]));
  const addOn = lastwordDexie(db, { entities: declared });
  await db.open();
  const sync = await createSync({
    database, attached: true, entities: declared, backend: { url: base, batchRecords: 500 }, autoStart: false, intervalMs: 3_600_000,
    debounceMs: 3_600_000, worker,
  });
  addOn.connect(sync);
  return running(sync, (entity, records) => db.table(entity).bulkPut(records));
}
