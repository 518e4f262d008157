// What a replication of PouchDB asks of a CouchDB: changes, revisions wanted, documents out and in. One database for each
// session. It keeps the newest revisions of a document that no other follows, as CouchDB does, and no older ones.
import { ALL } from "./session.mjs";

/** The databases by session. */
const databases = new WeakMap();

class Database {
  /** The open revisions of documents, by id: each { rev, ids, doc }, the winner first. */
  #leaves = new Map();
  #history = [];
  #read = 0;
  local = new Map();

  constructor(session) {
    this.session = session;
  }

  /** Takes in what other devices wrote: each is a revision that follows the winner. */
  catchUp() {
    const { items, cursor } = this.session.page(ALL, this.#read, Infinity);
    this.#read = Number(cursor);
    for (const { entity, value } of items) {
      const { id, serverUpdatedAt, version, ...fields } = value;
      const _id = `${entity}:${id}`;
      const [winner, ...others] = this.#leaves.get(_id) ?? [];
      const ids = [revisionId(id, version), ...(winner?.ids ?? [])];
      this.#leaves.set(_id, sorted([{ rev: `${ids.length}-${ids[0]}`, ids, doc: { _id, ...fields } }, ...others]));
      this.#history.push(_id);
    }
  }

  /** The changes after a place in the history. */
  changes(since, limit) {
    const to = Math.min(since + limit, this.#history.length);
    const results = this.#history.slice(since, to).map((id, at) => ({
      seq: since + at + 1, id, changes: this.#leaves.get(id).map(({ rev }) => ({ rev })),
    }));
    return { results, last_seq: to, pending: this.#history.length - to };
  }

  /** A document's open revision; the winner where `rev` is none of them. */
  revision(id, rev) {
    const leaves = this.#leaves.get(id) ?? [];
    return leaves.find((leaf) => leaf.rev === rev) ?? leaves[0];
  }

  has(id, rev) {
    const hash = rev.slice(rev.indexOf("-") + 1);
    return (this.#leaves.get(id) ?? []).some(({ ids }) => ids.includes(hash));
  }

  /** Stores a revision as the replica made it, its ancestors in `_revisions`. */
  store({ _rev, _revisions, ...doc }) {
    const { ids } = _revisions;
    const others = (this.#leaves.get(doc._id) ?? []).filter((leaf) => !ids.includes(leaf.ids[0]));
    const leaves = sorted([{ rev: _rev, ids, doc }, ...others]);
    this.#leaves.set(doc._id, leaves);
    this.#history.push(doc._id);
    const [entity, id] = doc._id.split(":");
    const { _id, ...fields } = leaves[0].doc;
    this.session.hold(entity, { ...fields, id });
  }

  get length() {
    return this.#history.length;
  }
}

/** CouchDB's winner: not deleted, then the longer history, then the greater revision. */
function sorted(leaves) {
  const rank = ({ doc, ids }) => (doc._deleted ? 0 : 1_000_000) + ids.length;
  return leaves.sort((a, b) => rank(b) - rank(a) || (a.rev < b.rev ? 1 : -1));
}

function revisionId(id, version) {
  return id.replaceAll("-", "").slice(0, 30) + version.toString(16).padStart(2, "0");
}

const ROUTES = {
  "GET ": (database) => ({ db_name: "bench", update_seq: database.length, instance_start_time: "0" }),
  "GET _changes": (database, { query }) => database.changes(Number(query.get("since") ?? 0), Number(query.get("limit") ?? Infinity)),
  "POST _revs_diff": (database, { json }) => Object.fromEntries(Object.entries(json())
    .map(([id, revs]) => [id, { missing: revs.filter((rev) => !database.has(id, rev)) }])
    .filter(([, { missing }]) => missing.length > 0)),
  "POST _bulk_get": (database, { json }) => ({
    results: json().docs.map(({ id, rev }) => {
      const { rev: _rev, ids, doc } = database.revision(id, rev);
      return { id, docs: [{ ok: { ...doc, _rev, _revisions: { start: ids.length, ids } } }] };
    }),
  }),
  "POST _bulk_docs": (database, { json }) => {
    for (const doc of json().docs) database.store(doc);
    return [];
  },
};

/** `{base}/couch/bench` is the database; `{base}/couch/` says which server it is. */
function couch(session, asked) {
  const { method, path, json } = asked;
  if (!path.startsWith("/couch/")) return undefined;
  if (path === "/couch/") return answer({ couchdb: "Welcome", uuid: session.base });
  const database = databases.get(session) ?? databases.set(session, new Database(session)).get(session);
  database.catchUp();
  const rest = path.replace(/^\/couch\/bench\/?/, "");
  if (!rest.startsWith("_local/")) return answer(ROUTES[`${method} ${rest}`](database, asked));
  if (method === "PUT") database.local.set(rest, { ...json(), _rev: "0-1" });
  const kept = database.local.get(rest);
  if (kept === undefined) return answer({ error: "not_found", reason: "missing" }, 404);
  return answer(method === "PUT" ? { ok: true, id: kept._id, rev: kept._rev } : kept);
}

function answer(value, status = 200) {
  return { status, body: JSON.stringify(value) };
}

export const couchRoutes = [couch];
