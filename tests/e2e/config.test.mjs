// Options that cannot work are refused at start, each with one sentence that says what to do.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";

/** What is wrong, the options in place of the good ones, and what the sentence must say. */
const WRONG = [
  ["an unknown option", { interval: 5 }, /no option `interval`.*intervalMs/],
  ["an unknown option of an entity", { entities: { a: { url: "/a" } } }, /unknown field `url`.*path/],
  ["an unknown option of the backend", { backend: { url: "/", page: 5 } }, /unknown field `page`.*pageRecords/],
  ["an unknown status field", { entities: { a: { statusFields: "kebab-case" } } }, /not valid/],
  ["no database", { database: "" }, /`database` must name/],
  ["no entities", { entities: {} }, /at least one entity/],
  ["a name that no entity can have", { entities: { Logs: {} } }, /`Logs` must match/],
  ["http to another machine", { backend: { url: "http://example.com/" } }, /https/],
  ["a base URL with a query", { backend: { url: "https://example.com/?key=1" } }, /query/],
  ["no base URL", { backend: {} }, /`backend.url` must be/],
  ["a keyword outside the subset", { entities: { a: { schema: { type: "object", unevaluatedProperties: false } } } }, /unevaluatedProperties/],
  ["a pattern that is none", { entities: { a: { schema: { properties: { b: { pattern: "(" } } } } } }, /not a regular expression/],
  ["a parent that is not declared", { entities: { a: { references: { bId: "b" } } } }, /`b` is not declared/],
  ["two entities on one store", { entities: { a: { store: "s" }, b: { store: "s" } } }, /share the store `s`: give each its own/],
  ["one name for two sync fields", { entities: { a: { statusFields: { syncStatus: "version" } } } }, /two sync fields are called `version`/],
  ["a path that is none", { entities: { a: { path: "a?b" } } }, /must begin with `\/`/],
  ["a pace out of range", { intervalMs: 5 }, /`intervalMs` must be from/],
  ["batches out of range", { backend: { url: "/", batchRecords: 0 } }, /`backend.batchRecords` must be from/],
  ["bytes out of range", { backend: { url: "/", batchBytes: 1 } }, /`backend.batchBytes` must be from/],
  ["no tries at all", { tries: 0 }, /`tries` must be from/],
  ["an attached database that is not there", { attached: true, database: "not-there" }, /open it with your own library first/],
  ["an attached database without lastword's stores", { attached: true, database: "own" }, /lacks `_lastword_outbox`.*lastwordStores/],
  ["an entity without id", { database: "keyed", entities: { goals: {} } }, /has no id: its store `goals` is keyed by `uid`.*fields/],
  ["packed rows that the app writes by itself", { entities: { a: { layout: "packed", detect: "scan" } } }, /rows that only lastword reads and writes/],
  ["packed rows of the app's database", { attached: true, database: "own", entities: { a: { layout: "packed" } } }, /leave out `attached`/],
  ["rows as packed ones", { database: "keyed", entities: { goals: { layout: "packed" } } }, /kept in layout "rows" by its store `goals`.*another `database`/],
  ["an entity whose keys are not in its rows", { database: "keyed", entities: { loose: {} } }, /keeps its keys apart from its rows/],
];

bare("a wrong configuration is refused at start with one sentence", async ({ page }) => {
  const answers = await page.evaluate(async (wrong) => {
    const made = (name, upgrade) => new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => upgrade(request.result);
      request.onsuccess = () => resolve(request.result.close());
      request.onerror = () => reject(request.error);
    });
    await made("own", (db) => db.createObjectStore("a", { keyPath: "id" }));
    await made("keyed", (db) => { db.createObjectStore("goals", { keyPath: "uid" }); db.createObjectStore("loose"); });
    const answers = [];
    for (const change of wrong) answers.push(await attempt(() => createSync({ ...options, database: "other", ...change })));
    return answers;
  }, WRONG.map(([, change]) => change));
  WRONG.forEach(([name, , said], index) => {
    const { code, retryable, message } = answers[index];
    assert.deepEqual([code, retryable], ["config", false], `${name}: ${JSON.stringify(answers[index])}`);
    assert.match(message, said, name);
    assert.equal(message.includes("\n"), false, name);
  });
});
