/**
 * Add-on for Dexie 4: stamps the app's own writes, turns deletes into soft ones, and makes live queries see what was synced.
 *
 * Never marks a change: the core finds it by its content, as it does for an app without this add-on.
 */

import { Dexie, RangeSet, type DBCoreDeleteRangeRequest, type DBCoreDeleteRequest, type DBCoreMutateRequest, type DBCoreMutateResponse, type DBCoreTable } from "dexie";
import type { EntityMap, EntityOptions, Sync } from "lastword";

/** The stores that lastword needs, for the next `version().stores()` of an app's schema. */
export const lastwordStores = {
  _lastword_meta: "name",
  _lastword_outbox: "[entity+id]",
  _lastword_conflicts: "[entity+id]",
  _lastword_quarantine: "[entity+id]",
};

/** What of the app's Dexie database is synced, and what a delete becomes. */
export interface DexieOptions<E extends EntityMap> {
  readonly entities: E;
  /** `soft` leaves a tombstone that travels; `hard` removes the row, which other devices never learn. `soft` when absent. */
  readonly deletes?: "soft" | "hard";
}

/** Watches `db` from now on: call it before the first query. Connect the sync once it is there. */
export function lastwordDexie<E extends EntityMap>(db: Dexie, { entities, deletes = "soft" }: DexieOptions<E>): {
  connect(sync: Sync<E>): () => void;
} {
  const byStore = new Map(Object.entries(entities).map(([name, entity]) => [entity.store ?? name, entity]));
  db.use({
    stack: "dbcore",
    name: "lastword",
    create: (down) => ({
      ...down,
      table(name) {
        const table = down.table(name);
        const entity = byStore.get(name);
        if (!entity) return table;
        return { ...table, mutate: (request) => stamped(table, envelope(entity), deletes, request) };
      },
    }),
  });
  return { connect: (sync) => connect(db, entities, byStore, sync) };
}

/** Local commits wake the sync, synced records wake live queries. Answers a function that stops both. */
function connect<E extends EntityMap>(db: Dexie, entities: E, byStore: ReadonlyMap<string, EntityOptions>, sync: Sync<E>): () => void {
  let ours = false;
  const mutated = (parts: { [part: string]: unknown }) => {
    if (ours) return;
    const stores = Object.keys(parts).map((part) => part.split("/")).filter(([, , database]) => database === db.name).map(([, , , store = ""]) => store);
    if (stores.some((store) => byStore.has(store))) sync.edited();
  };
  Dexie.on("storagemutated", mutated);
  const stop = sync.on("change", ({ entity }) => {
    const store = entities[entity]?.store ?? entity;
    ours = true;
    try {
      // The way in which Dexie hears of writes by others: live queries run again, and its cache lets go.
      dispatchEvent(new CustomEvent(MUTATED_ELSEWHERE, { detail: everythingOf(db, store) }));
    } finally {
      ours = false;
    }
  });
  return () => {
    stop();
    Dexie.on.storagemutated.unsubscribe(mutated);
  };
}

/** All that a live query can have read of a table. Which index keys changed is not known here, so all of them did. */
function everythingOf(db: Dexie, store: string): { [part: string]: RangeSet } {
  const { schema } = db.table(store);
  const indexes = ["", ":dels", ...schema.indexes.map(({ name }) => name)];
  return Object.fromEntries(indexes.map((index) => [`idb://${db.name}/${store}/${index}`, new RangeSet(KEY_MIN, KEY_MAX)]));
}

/** The app's own names of the sync fields that a write sets, and how it writes a time. */
interface Envelope {
  created: string;
  updated: string;
  deleted: (now: unknown) => { [field: string]: unknown };
  live: { [field: string]: unknown };
  now: () => unknown;
}

function envelope({ fields = {}, times = "ms" }: EntityOptions): Envelope {
  const { deletedAt, isDeleted = "isDeleted" } = fields;
  return {
    created: fields.clientCreatedAt ?? "clientCreatedAt",
    updated: fields.clientUpdatedAt ?? "clientUpdatedAt",
    deleted: (now) => (deletedAt ? { [deletedAt]: now } : { [isDeleted]: true }),
    live: deletedAt ? {} : { [isDeleted]: false },
    now: () => (times === "iso" ? new Date().toISOString() : Date.now()),
  };
}

/** The request with stamps; a delete as the put of tombstones. */
async function stamped(table: DBCoreTable, names: Envelope, deletes: "soft" | "hard", request: DBCoreMutateRequest): Promise<DBCoreMutateResponse> {
  const now = names.now();
  switch (request.type) {
    case "add":
    case "put": {
      const values = request.values.map((value) => ({ [names.created]: now, ...names.live, ...value, [names.updated]: now }));
      return table.mutate({ ...request, values });
    }
    case "delete":
    case "deleteRange": {
      if (deletes === "hard") return table.mutate(request);
      const found = await existing(table, request);
      const values = found.map((value) => ({ ...value, [names.updated]: now, ...names.deleted(now) }));
      if (values.length > 0) await table.mutate({ type: "put", trans: request.trans, values });
      return { numFailures: 0, failures: {}, lastResult: undefined };
    }
  }
}

/** The rows that a delete is about. */
async function existing(table: DBCoreTable, request: DBCoreDeleteRequest | DBCoreDeleteRangeRequest): Promise<object[]> {
  const { trans } = request;
  if (request.type === "delete") {
    const rows: (object | undefined)[] = await table.getMany({ trans, keys: request.keys });
    return rows.filter((row) => row !== undefined);
  }
  const { result } = await table.query({ trans, values: true, limit: Infinity, query: { index: table.schema.primaryKey, range: request.range } });
  return result;
}

const MUTATED_ELSEWHERE = "x-storagemutated-1";
const KEY_MIN = -Infinity;
/** An array sorts after every other key, and one that holds an array after most arrays. */
const KEY_MAX = [[]];
