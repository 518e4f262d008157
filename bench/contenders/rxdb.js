// RxDB on its Dexie storage with its own replication, as rxdb.info shows it for a REST backend: a collection for each entity,
// a pull and a push handler, a live replication, a conflict handler by stamp. No schema check at run time: its docs keep
// that for development. Between two rounds the replication is paused, so that the harness says when it works.
import { createRxDatabase } from "rxdb/plugins/core";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";

/** Opens the database; the replication starts with the first round. */
export async function open({ base, database, entities, schema }) {
  const db = await createRxDatabase({ name: database, storage: getRxStorageDexie() });
  await db.addCollections(Object.fromEntries(entities.map((name) => [name, { schema: typed(schema), conflictHandler: newest }])));
  const running = new Map();
  return {
    async sync() {
      for (const entity of entities) {
        const state = running.get(entity);
        if (state) await state.start();
        else running.set(entity, replicate(db[entity], `${base}/api/v1/${entity}`));
      }
      await Promise.all([...running.values()].map(inSync));
    },
    edit: (entity, records) => db[entity].bulkUpsert(records),
    count: (entity) => db[entity].count().exec(),
    row: async (entity, id) => (await db[entity].findOne(id).exec())?.toJSON(),
    close: () => db.close(),
  };
}

async function inSync(state) {
  await state.awaitInitialReplication();
  await state.awaitInSync();
  await state.pause();
}

function replicate(collection, url) {
  const state = replicateRxCollection({
    collection,
    replicationIdentifier: `bench-${collection.name}`,
    deletedField: "isDeleted",
    live: true,
    pull: {
      batchSize: PAGE,
      async handler(checkpoint, limit) {
        const response = await fetch(`${url}?limit=${limit}${checkpoint ? `&since=${checkpoint.cursor}` : ""}`, { cache: "no-store" });
        const { records, cursor } = await response.json();
        return { documents: records, checkpoint: { cursor } };
      },
    },
    push: {
      batchSize: BATCH,
      async handler(rows) {
        const body = JSON.stringify({ records: rows.map(({ newDocumentState }) => newDocumentState) });
        const response = await fetch(`${url}/batch`, { method: "POST", body, headers: { "content-type": "application/json" } });
        if (!response.ok) throw new Error(`push: ${response.status}`);
        const { results } = await response.json();
        return results.filter(({ status }) => status === "conflict").map(({ record }) => record);
      },
    },
  });
  state.error$.subscribe((error) => console.error(error));
  return state;
}

/** Last write wins. Two copies with one stamp are one copy: its docs ask for a check as cheap as that. */
const newest = {
  isEqual: (a, b) => a.clientUpdatedAt === b.clientUpdatedAt,
  resolve: ({ newDocumentState, realMasterState }) =>
    newDocumentState.clientUpdatedAt > realMasterState.clientUpdatedAt ? newDocumentState : realMasterState,
};

/** The app's schema with a key, which RxDB wants with its greatest length, and the fields of the sync. */
function typed({ properties, required }) {
  const number = { type: "number" };
  return {
    version: 0,
    primaryKey: "id",
    type: "object",
    required: ["id", ...required],
    properties: {
      id: { type: "string", maxLength: 36 }, clientCreatedAt: number, clientUpdatedAt: number, serverUpdatedAt: number, version: number,
      ...properties,
    },
  };
}

const PAGE = 1000;
const BATCH = 500;
