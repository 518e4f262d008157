// TinyBase: a Store of tables in memory and its IndexedDB persister, with a sync by hand over the REST backend. The persister
// writes a table as one value, so it is asked to save once a round and once for each lot of edits, not after each page.
import { createStore } from "tinybase/store";
import { createIndexedDbPersister } from "tinybase/persisters/persister-indexed-db";

/** Opens the store, which reads all of it into memory. */
export async function open({ base, database, entities }) {
  const store = createStore();
  const persister = createIndexedDbPersister(store, database, undefined, (error) => console.error(error));
  await persister.load();
  return {
    async sync() {
      let changed = false;
      for (const entity of entities) changed = (await pull(store, base, entity)) || changed;
      for (const entity of entities) changed = (await push(store, base, entity)) || changed;
      if (changed) await persister.save();
    },
    async edit(entity, records) {
      store.transaction(() => {
        for (const { id, ...fields } of records) {
          store.setRow(entity, id, fields);
          store.setCell("edited", `${entity}/${id}`, "at", fields.clientUpdatedAt);
        }
      });
      await persister.save();
    },
    count: (entity) => store.getRowCount(entity),
    row: (entity, id) => store.getRow(entity, id),
    close: () => persister.destroy(),
  };
}

async function pull(store, base, entity) {
  let changed = false;
  let hasMore = true;
  while (hasMore) {
    const since = store.getValue(entity);
    const response = await fetch(`${base}/api/v1/${entity}?limit=${PAGE}${since ? `&since=${since}` : ""}`, { cache: "no-store" });
    const page = await response.json();
    hasMore = page.hasMore;
    if (page.records.length === 0) continue;
    changed = true;
    store.transaction(() => {
      for (const { id, ...fields } of page.records) {
        if (!(store.getCell(entity, id, "clientUpdatedAt") > fields.clientUpdatedAt)) store.setRow(entity, id, fields);
      }
      store.setValue(entity, page.cursor);
    });
  }
  return changed;
}

async function push(store, base, entity) {
  const keys = store.getRowIds("edited").filter((key) => key.startsWith(`${entity}/`));
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH).map((key) => {
      const id = key.slice(entity.length + 1);
      return { key, record: { id, ...store.getRow(entity, id) } };
    });
    const body = JSON.stringify({ records: batch.map(({ record }) => record) });
    const response = await fetch(`${base}/api/v1/${entity}/batch`, { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!response.ok) throw new Error(`push: ${response.status}`);
    await response.json();
    store.transaction(() => {
      for (const { key, record } of batch) {
        if (store.getCell("edited", key, "at") === record.clientUpdatedAt) store.delRow("edited", key);
      }
    });
  }
  return keys.length > 0;
}

const PAGE = 1000;
const BATCH = 500;
