// WatermelonDB on LokiJS, with the adapter options its docs recommend (no web worker, incremental IndexedDB) and its own
// `synchronize`, one request for all tables. It keeps every row in memory and writes it to disk later: a round here ends when
// that is done, as it does for the others.
import { Database, Model, Q, appSchema, tableSchema } from "@nozbe/watermelondb";
import loki from "@nozbe/watermelondb/adapters/lokijs";
import { synchronize } from "@nozbe/watermelondb/sync";

/** A CommonJS module, seen from a module. */
const LokiJSAdapter = loki.default;

/** Opens the database, which reads all of it into memory. */
export async function open({ base, database: dbName, entities }) {
  const schema = appSchema({ version: 1, tables: entities.map((name) => tableSchema({ name, columns: COLUMNS })) });
  const adapter = new LokiJSAdapter({ schema, dbName, useWebWorker: false, useIncrementalIndexedDB: true });
  const database = new Database({ adapter, modelClasses: entities.map((name) => class extends Model { static table = name; }) });
  await database.localStorage.get("opened");
  const store = adapter._dispatcher._worker._bridge.driver.loki;
  return {
    async sync() {
      await synchronize({ database, sendCreatedAsUpdated: true, conflictResolver: newest, ...exchange(`${base}/watermelon/sync`) });
      await saved(store);
    },
    async edit(entity, records) {
      const table = database.get(entity);
      await database.write(async () => {
        const found = await table.query(Q.where("id", Q.oneOf(records.map(({ id }) => id)))).fetch();
        const known = new Map(found.map((model) => [model.id, model]));
        await database.batch(records.map((record) => {
          const set = (model) => fill(model, record);
          return known.get(record.id)?.prepareUpdate(set) ?? table.prepareCreate(set);
        }));
      });
      await saved(store);
    },
    count: (entity) => database.get(entity).query().fetchCount(),
    row: async (entity, id) => (await database.get(entity).find(id).catch(() => undefined))?._raw,
  };
}

function exchange(url) {
  return {
    async pullChanges({ lastPulledAt }) {
      const response = await fetch(`${url}${lastPulledAt ? `?last_pulled_at=${lastPulledAt}` : ""}`, { cache: "no-store" });
      return response.json();
    },
    async pushChanges({ changes, lastPulledAt }) {
      const response = await fetch(`${url}?last_pulled_at=${lastPulledAt}`, { method: "POST", body: JSON.stringify(changes) });
      if (!response.ok) throw new Error(`push: ${response.status}`);
    },
  };
}

/** Last write wins; without this the columns that were changed here would win. */
function newest(table, local, remote, resolved) {
  return remote.clientUpdatedAt > local.clientUpdatedAt ? { ...resolved, ...remote, _status: "synced", _changed: "" } : resolved;
}

/** A column holds no list, only its text. */
function fill(model, { id, sets, ...columns }) {
  if (model._raw.id !== id) model._raw.id = id;
  for (const [name, value] of Object.entries({ ...columns, sets: JSON.stringify(sets) })) model._setRaw(name, value);
}

async function saved(store) {
  if (store.throttledSaves) await new Promise((done) => store.throttledSaveDrain(done));
  if (store.autosaveDirty()) await new Promise((done, failed) => store.saveDatabase((error) => (error ? failed(error) : done())));
}

const COLUMNS = [
  ...["exercise", "performedAt", "location", "note", "sets"].map((name) => ({ name, type: "string" })),
  ...["clientCreatedAt", "clientUpdatedAt"].map((name) => ({ name, type: "number" })),
  { name: "isDeleted", type: "boolean" },
];
