/**
 * Add-on for Dexie 4: stamps the app's own writes, turns deletes into soft ones, and makes live queries see what was synced.
 *
 * Never marks a change: the core finds it by its content, as it does for an app without this add-on.
 */

import { Dexie, RangeSet, type DBCoreDeleteRangeRequest, type DBCoreDeleteRequest, type DBCoreMutateRequest, type DBCoreMutateResponse, type DBCoreTable, type DBCoreTransaction } from "dexie";
import type { EntityMap, EntityOptions, Sync } from "lastword";
import { LastwordError } from "./client.js";

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
  /**
   * Asked before one transaction deletes more than 100 rows and half of a table, which every device would lose: true to go on.
   * Such a delete is refused with `mass_delete` when absent.
   */
  readonly mayDelete?: (table: string, count: number) => boolean;
}

/** Watches `db` from now on: call it before the first query. Connect the sync once it is there. */
export function lastwordDexie<E extends EntityMap>(db: Dexie, { entities, deletes = "soft", mayDelete = () => false }: DexieOptions<E>): {
  connect(sync: Sync<E>): () => void;
} {
  const byStore = new Map(Object.entries(entities).map(([name, entity]) => [entity.store ?? name, entity]));
  db.use({
    stack: "dbcore",
    name: "lastword",
    // Below the app's hooks, which see what the app does, and above what tells live queries of it.
    level: 1,
    create: (down) => ({
      ...down,
      table(name) {
        const table = down.table(name);
        const entity = byStore.get(name);
        if (!entity) return table;
        const guard = deletes === "soft" ? new Guard(table, mayDelete) : undefined;
        return { ...table, mutate: (request) => stamped(table, envelope(entity), guard, request) };
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
  isDeleted: (row: { [field: string]: unknown }) => boolean;
  live: { [field: string]: unknown };
  now: () => unknown;
}

function envelope({ fields = {}, times = "ms" }: EntityOptions): Envelope {
  const { deletedAt, isDeleted = "isDeleted" } = fields;
  return {
    created: fields.clientCreatedAt ?? "clientCreatedAt",
    updated: fields.clientUpdatedAt ?? "clientUpdatedAt",
    deleted: (now) => (deletedAt ? { [deletedAt]: now } : { [isDeleted]: true }),
    isDeleted: (row) => (deletedAt ? row[deletedAt] != null : row[isDeleted] === true),
    live: deletedAt ? {} : { [isDeleted]: false },
    now: () => (times === "iso" ? new Date().toISOString() : Date.now()),
  };
}

/**
 * The request with stamps; a delete as the put of tombstones, where there is a `guard`. Without `await`, which would leave
 * Dexie's zone and with it the transaction.
 */
function stamped(table: DBCoreTable, names: Envelope, guard: Guard | undefined, request: DBCoreMutateRequest): Promise<DBCoreMutateResponse> {
  const now = names.now();
  switch (request.type) {
    case "add":
    case "put": {
      const values = request.values.map((value) => ({ [names.created]: now, ...names.live, ...value, [names.updated]: now }));
      const written = table.mutate({ ...request, values });
      if (request.type === "put" || !guard) return written;
      return written.then((response) => (response.numFailures > 0 ? overTombstones(table, names, request.trans, values, response) : response));
    }
    case "delete":
    case "deleteRange": {
      if (!guard) return table.mutate(request);
      const { trans } = request;
      return existing(table, request).then((rows) => {
        const live = rows.filter((row) => !names.isDeleted(row));
        const values = live.map((row) => ({ ...row, [names.updated]: now, ...names.deleted(now) }));
        const put = () => (values.length > 0 ? table.mutate({ type: "put", trans, values }).then(() => NO_FAILURES) : NO_FAILURES);
        return guard.needsLook(trans, live.length) ? guard.look(trans).then(put) : put();
      });
    }
  }
}

/** Puts what could not be added only because a tombstone has its key: to the app, which deleted the row, there is none. */
function overTombstones(table: DBCoreTable, names: Envelope, trans: DBCoreTransaction, values: Row[], response: DBCoreMutateResponse): Promise<DBCoreMutateResponse> {
  const key = (value: Row) => table.schema.primaryKey.extractKey?.(value);
  // The first of each key: a second one meets a live row.
  const first = new Map<unknown, number>();
  for (const place of Object.keys(response.failures).map(Number)) {
    const id = key(values[place] ?? {});
    if (!first.has(id)) first.set(id, place);
  }
  const places = [...first.values()];
  return table.getMany({ trans, keys: [...first.keys()] }).then((rows: (Row | undefined)[]) => {
    const failures = { ...response.failures };
    const puts: Row[] = [];
    rows.forEach((row, at) => {
      const place = places[at];
      if (!row || place === undefined || !names.isDeleted(row)) return;
      delete failures[place];
      puts.push({ ...values[place], ...(SYNCED in row ? { [SYNCED]: row[SYNCED] } : {}) });
    });
    if (puts.length === 0) return response;
    const whole = { ...response, failures, numFailures: response.numFailures - puts.length, lastResult: key(values.at(-1) ?? {}), results: values.map(key) };
    return table.mutate({ type: "put", trans, values: puts }).then(() => whole);
  });
}

/** The rows that a delete is about. */
function existing(table: DBCoreTable, request: DBCoreDeleteRequest | DBCoreDeleteRangeRequest): Promise<Row[]> {
  const { trans } = request;
  if (request.type === "delete") return table.getMany({ trans, keys: request.keys }).then((rows: (Row | undefined)[]) => rows.filter((row) => row !== undefined));
  const query = { index: table.schema.primaryKey, range: request.range };
  return table.query({ trans, values: true, limit: Infinity, query }).then(({ result }) => result);
}

/** Stops a table from being emptied on every device by a mistake. */
class Guard {
  readonly #table: DBCoreTable;
  readonly #mayDelete: (table: string, count: number) => boolean;
  /** Rows that each transaction has deleted so far. */
  readonly #waves = new WeakMap<DBCoreTransaction, number>();

  constructor(table: DBCoreTable, mayDelete: (table: string, count: number) => boolean) {
    this.#table = table;
    this.#mayDelete = mayDelete;
  }

  /** Counts the rows; true where they are enough to look closer. */
  needsLook(trans: DBCoreTransaction, count: number): boolean {
    const wave = (this.#waves.get(trans) ?? 0) + count;
    this.#waves.set(trans, wave);
    return wave > WAVE_MIN;
  }

  /** Throws where what the transaction deletes is more than half, and not allowed. */
  look(trans: DBCoreTransaction): Promise<void> {
    const { name, schema } = this.#table;
    const wave = this.#waves.get(trans) ?? 0;
    return this.#table.count({ trans, query: { index: schema.primaryKey, range: EVERYTHING } }).then((rows) => {
      if (wave * 2 <= rows || this.#mayDelete(name, wave)) return;
      throw new LastwordError({
        code: "mass_delete",
        message: `this would delete ${wave} rows of \`${name}\` on every device: allow it with \`mayDelete\`, or remove the local copies alone with \`sync.signOut({ wipe: true })\``,
      });
    });
  }
}

/** The mark of the copy that the backend has, which a row must keep. */
const SYNCED = "_synced";

type Row = { [field: string]: unknown };

const NO_FAILURES: DBCoreMutateResponse = { numFailures: 0, failures: {}, lastResult: undefined };
/** So many rows may go at once without asking. */
const WAVE_MIN = 100;
/** Dexie's own form of a range without ends. */
const EVERYTHING: DBCoreDeleteRangeRequest["range"] = { type: 3, lower: undefined, upper: undefined };
const MUTATED_ELSEWHERE = "x-storagemutated-1";
const KEY_MIN = -Infinity;
/** An array sorts after every other key, and one that holds an array after most arrays. */
const KEY_MAX = [[]];
