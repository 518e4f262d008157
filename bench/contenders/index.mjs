// Who is measured, and how each is set up, in a line that the report prints.

export const CONTENDERS = {
  floor: { title: "floor", how: "raw IndexedDB in a worker, by hand, for speed alone: no validation, no second tab, no lost answers" },
  lastword: { title: "lastword", how: "its own database, every record checked against a JSON Schema in both directions" },
  "lastword-attached": { title: "lastword on Dexie", how: "the app's Dexie database with the add-on, `detect: \"scan\"`, the same checks" },
  dexie: { title: "Dexie by hand", how: "Dexie 4 on the page, as its docs show it: `bulkGet`, `bulkPut`, an index on a `dirty` flag, last write wins" },
};
