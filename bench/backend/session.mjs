// What the backend holds for one measurement: a history of records in memory. Speaks no protocol.
import { record } from "./records.mjs";

/** A backend's data: `each` records in every entity at first, and everything accepted since. */
export class Session {
  requests = 0;
  bytesIn = 0;
  bytesOut = 0;
  accepted = 0;
  #each;
  #logs;
  #latest = new Map();
  #clock = FIRST_COMMIT;

  constructor({ entities = ["logs"], each = 0 }) {
    this.entities = entities;
    this.#each = each;
    // One history for each entity and one of all, which a backend of changesets gives out.
    this.#logs = new Map([...entities, ALL].map((name) => [name, []]));
    for (let n = 0; n < each; n++) firstJson(n, FIRST_COMMIT - 1_000_000_000 + n);
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
    this.accepted += 1;
    return { applied: true, value: this.#append(entity, copy, (kept?.value.version ?? 1) + 1) };
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
    const of = entity === ALL ? this.entities[Math.floor(at / this.#each)] : entity;
    const n = at % this.#each;
    const commit = FIRST_COMMIT - 1_000_000_000 + (entity === ALL ? at : n);
    return { entity: of, at: commit, get value() { return firstValue(n, commit); }, get json() { return firstJson(n, commit); } };
  }
}

function firstValue(n, at) {
  return { ...record(n), serverUpdatedAt: at, version: 1 };
}

/** Text of the first records, kept: making them again would be charged to whoever is measured. */
const made = new Map();

function firstJson(n, at) {
  let text = made.get(at);
  if (text === undefined) made.set(at, (text = JSON.stringify(firstValue(n, at))));
  return text;
}

/** The name of the history of all entities. */
export const ALL = "*";
const FIRST_COMMIT = Date.UTC(2025, 5, 1);
