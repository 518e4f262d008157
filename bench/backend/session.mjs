// What the backend holds for one measurement: a history of records in memory. Speaks no protocol.
import { record } from "./records.mjs";

/** A backend's data: `each` records in every entity at first, and everything accepted since. */
export class Session {
  requests = 0;
  bytesIn = 0;
  bytesOut = 0;
  #accepted = new Set();
  #each;
  #logs;
  #latest = new Map();
  #clock = FIRST_COMMIT;

  constructor({ entities = ["logs"], each = 0 }) {
    this.entities = entities;
    this.#each = each;
    // One history for each entity and one of all, which a backend of changesets gives out.
    this.#logs = new Map([...entities, ALL].map((name) => [name, []]));
    for (let n = 0; n < each; n++) firstItem(entities[0], n, n);
  }

  /** The records of a page, each as JSON text, in commit order. `entity` may be ALL. */
  page(entity, cursor, limit) {
    const log = this.#logs.get(entity);
    const first = entity === ALL ? this.#each * this.entities.length : this.#each;
    const total = first + log.length;
    const from = Math.min(Number(cursor ?? 0), total);
    const to = Math.min(from + limit, total);
    const items = [];
    for (let at = from; at < to; at++) items.push(at < first ? this.#base(entity, at) : log[at - first]);
    const head = log.at(-1)?.at ?? FIRST_COMMIT - 1;
    return { items, cursor: String(to), hasMore: to < total, remaining: total - to, upTo: to < total ? items.at(-1).at : head };
  }

  /** The newest copy of a record, where it was written after the first ones. */
  latest(entity, id) {
    return this.#latest.get(`${entity}/${id}`);
  }

  /** Stores a copy that a replica pushed; none when a newer one is here. Answers the copy that is kept. */
  accept(entity, pushed) {
    const { _sync, serverUpdatedAt, version, ...copy } = pushed;
    const kept = this.latest(entity, copy.id);
    if (kept && kept.value.clientUpdatedAt > copy.clientUpdatedAt) return { applied: false, value: kept.value };
    this.#accepted.add(`${entity}/${copy.id}`);
    return { applied: true, value: this.#append(entity, copy, (kept?.value.version ?? 1) + 1) };
  }

  /** Notes what a backend that orders copies by a rule of its own now has for a record that a replica pushed. */
  hold(entity, copy) {
    this.#accepted.add(`${entity}/${copy.id}`);
    this.#latest.set(`${entity}/${copy.id}`, { entity, value: copy });
  }

  /** How many records were taken from replicas since this was last asked. */
  takeAccepted() {
    const { size } = this.#accepted;
    this.#accepted.clear();
    return size;
  }

  /** Another device writes record `n` again. */
  update(entity, n, revision) {
    this.#append(entity, record(n, revision), revision + 1);
  }

  #append(entity, copy, version) {
    this.#clock = Math.max(this.#clock + 1, Date.now());
    const value = { ...copy, serverUpdatedAt: this.#clock, version };
    const item = { entity, at: this.#clock, value, json: JSON.stringify(value) };
    this.#logs.get(entity).push(item);
    this.#logs.get(ALL).push(item);
    this.#latest.set(`${entity}/${copy.id}`, item);
    return value;
  }

  #base(entity, at) {
    if (entity !== ALL) return firstItem(entity, at, at);
    return firstItem(this.entities[Math.floor(at / this.#each)], at % this.#each, at);
  }
}

/** The first records as they lie in a history, kept: making them again would be charged to whoever is measured. */
const firsts = new Map();

function firstItem(entity, n, at) {
  const key = `${entity}/${n}/${at}`;
  let item = firsts.get(key);
  if (item === undefined) {
    const value = { ...record(n), serverUpdatedAt: FIRST_COMMIT - 1_000_000_000 + at, version: 1 };
    item = { entity, n, at: value.serverUpdatedAt, value, json: JSON.stringify(value) };
    firsts.set(key, item);
  }
  return item;
}

/** The text that `make` gives for an item, made once. Each protocol has a name of its own for its text. */
export function textOf(item, name, make) {
  return (item[name] ??= make(item));
}

/** The name of the history of all entities. */
export const ALL = "*";
const FIRST_COMMIT = Date.UTC(2025, 5, 1);
