// Dexie 4 with a sync by hand, as apps write it: a flag on each changed row, bulkGet and bulkPut, last write wins by stamp.
import { Dexie } from "dexie";

/** Opens the database. Nothing runs in a worker: Dexie's own pages show it on the page. */
export async function open({ base, database, entities }) {
  const db = new Dexie(database);
  db.version(1).stores({ ...Object.fromEntries(entities.map((name) => [name, "id,dirty"])), meta: "entity" });
  await db.open();
  return {
    async sync() {
      for (const entity of entities) await pull(db, base, entity);
      for (const entity of entities) await push(db, base, entity);
    },
    edit: (entity, records) => db.table(entity).bulkPut(records.map((record) => ({ ...record, dirty: 1 }))),
    count: (entity) => db.table(entity).count(),
    row: (entity, id) => db.table(entity).get(id),
    close: () => db.close(),
  };
}

async function pull(db, base, entity) {
  const table = db.table(entity);
  let hasMore = true;
  while (hasMore) {
    const since = (await db.table("meta").get(entity))?.cursor;
    const response = await fetch(`${base}/api/v1/${entity}?limit=${PAGE}${since ? `&since=${since}` : ""}`, { cache: "no-store" });
    const page = await response.json();
    hasMore = page.hasMore;
    if (page.records.length === 0) continue;
    await db.transaction("rw", table, db.table("meta"), async () => {
      const local = await table.bulkGet(page.records.map(({ id }) => id));
      const newer = page.records.filter((record, at) => !local[at] || record.clientUpdatedAt >= local[at].clientUpdatedAt);
      await table.bulkPut(newer);
      await db.table("meta").put({ entity, cursor: page.cursor });
    });
  }
}

async function push(db, base, entity) {
  const table = db.table(entity);
  const edited = await table.where("dirty").equals(1).toArray();
  for (let at = 0; at < edited.length; at += BATCH) {
    const batch = edited.slice(at, at + BATCH);
    const body = JSON.stringify({ records: batch.map(({ dirty, ...record }) => record) });
    const response = await fetch(`${base}/api/v1/${entity}/batch`, { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!response.ok) throw new Error(`push: ${response.status}`);
    await response.json();
    await db.transaction("rw", table, async () => {
      const now = await table.bulkGet(batch.map(({ id }) => id));
      const same = now.filter((row, index) => row && row.clientUpdatedAt === batch[index].clientUpdatedAt);
      await table.bulkPut(same.map(({ dirty, ...record }) => record));
    });
  }
}

const PAGE = 1000;
const BATCH = 500;
