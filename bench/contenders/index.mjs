// Who is measured, and how each is set up, in a line that the report prints. `uses` are the packages of bench/package.json that
// it is made of, `only` the stories that it alone is here for, `optional` why it takes part only where it was installed by hand.

export const CONTENDERS = {
  floor: { title: "floor", how: "raw IndexedDB in a worker, by hand, for speed alone: no validation, no second tab, no lost answers" },
  lastword: { title: "lastword", how: "its own database, every record checked against a JSON Schema in both directions" },
  "lastword-attached": {
    title: "lastword on Dexie", uses: ["dexie"], how: "the app's Dexie database with the add-on, `detect: \"scan\"`, the same checks",
  },
  "lastword-packed": { title: "lastword, packed", how: "lastword with `layout: \"packed\"`: the same checks, up to 100 rows to a value of IndexedDB" },
  "lastword-changeset": {
    title: "lastword, changesets", only: ["entities"], how: "lastword again, on a backend of the changeset style: one cursor for all entities",
  },
  dexie: {
    title: "Dexie by hand", uses: ["dexie"],
    how: "on the page, as its docs show it: `bulkGet`, `bulkPut`, an index on a `dirty` flag, last write wins",
  },
  watermelondb: {
    title: "WatermelonDB", uses: ["@nozbe/watermelondb"],
    how: "the LokiJS adapter without a web worker and with incremental IndexedDB, as its docs recommend, and its `synchronize`; all rows in memory",
  },
  tinybase: {
    title: "TinyBase", uses: ["tinybase"],
    how: "a Store with its IndexedDB persister and a sync by hand, saved once a round: its most favourable way; all rows in memory",
  },
  rxdb: { title: "RxDB", uses: ["rxdb"], how: "the Dexie storage and its own replication, live, with handlers for the REST backend" },
  pouchdb: {
    title: "PouchDB", uses: ["pouchdb-browser"],
    how: "its default adapter and `sync` with the CouchDB protocol, batches of 1,000; of two copies in conflict the app keeps the newer one",
  },
  replicache: {
    title: "Replicache", uses: ["replicache"], how: "its own pull and push, a mutation for each lot of edits, one patch a pull; rows in memory",
    optional: "its package comes under terms of its own maker, which whoever measures has to agree to: `npm install --prefix bench --no-save replicache@15.3.0`",
  },
};
