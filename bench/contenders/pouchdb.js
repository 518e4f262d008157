// PouchDB with its default adapter and `sync` with a CouchDB, one database for all that a user has, as its docs advise.
// CouchDB keeps both copies of a conflict; the app picks by stamp, as the guide to conflicts shows it, among what was pulled.
import PouchDB from "pouchdb-browser";

/** Opens the database. */
export async function open({ base, database }) {
  const db = new PouchDB(database);
  const remote = new PouchDB(`${base}/couch/bench`, { skip_setup: true });
  await db.info();
  return {
    async sync() {
      const pulled = new Set();
      await run(db, remote, ({ id }) => pulled.add(id));
      if (await resolve(db, [...pulled])) await run(db, remote, () => {});
    },
    async edit(entity, records) {
      const { rows } = await db.allDocs({ keys: records.map(({ id }) => `${entity}:${id}`) });
      const docs = records.map(({ id, ...fields }, at) => ({ ...fields, _id: `${entity}:${id}`, _rev: rows[at].value?.rev }));
      const refused = (await db.bulkDocs(docs)).find(({ error }) => error);
      if (refused) throw refused;
    },
    count: async (entity) => (await db.allDocs({ startkey: `${entity}:`, endkey: `${entity}:\ufff0` })).rows.length,
    row: (entity, id) => db.get(`${entity}:${id}`).catch(() => undefined),
    close: () => db.close(),
  };
}

function run(db, remote, pulled) {
  return new Promise((done, failed) => {
    db.sync(remote, { batch_size: PAGE })
      .on("change", ({ direction, change }) => direction === "pull" && change.docs.forEach(({ _id: id }) => pulled({ id })))
      .on("complete", done)
      .on("error", failed);
  });
}

/** Of two copies the newer one stays, on the branch that won, and the other branch ends. Answers whether there were any. */
async function resolve(db, ids) {
  const { rows } = await db.allDocs({ keys: ids, conflicts: true, include_docs: true });
  const torn = rows.map(({ doc }) => doc).filter((doc) => doc?._conflicts);
  const asked = torn.flatMap(({ _id: id, _conflicts }) => _conflicts.map((rev) => ({ id, rev })));
  if (asked.length === 0) return false;
  const { results } = await db.bulkGet({ docs: asked });
  const others = Map.groupBy(results.flatMap(({ docs }) => docs.map(({ ok }) => ok)), ({ _id }) => _id);
  const settled = torn.flatMap(({ _conflicts, ...winner }) => {
    const losers = others.get(winner._id);
    const newest = [winner, ...losers].reduce((a, b) => (b.clientUpdatedAt > a.clientUpdatedAt ? b : a));
    const ended = losers.map(({ _id, _rev }) => ({ _id, _rev, _deleted: true }));
    return newest === winner ? ended : [{ ...newest, _rev: winner._rev }, ...ended];
  });
  await db.bulkDocs(settled);
  return true;
}

const PAGE = 1000;
