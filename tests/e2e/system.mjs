// One system of docs/seeds.md: its model, a server for it behind a proxy, and devices that are pages with the package.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { launch, rowsOf } from "./browser.mjs";
import { keeping } from "./keep.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

const MODELS = fileURLToPath(new URL("../models", import.meta.url));

/** The entities of a system, as client and server declare them. */
export async function modelOf(system) {
  const file = system === "workout-log" ? fileURLToPath(new URL("../../www/entities.json", import.meta.url)) : join(MODELS, `${system}.json`);
  return { file, ...JSON.parse(await readFile(file, "utf8")) };
}

/**
 * Makes a `test(name, body)` for one system. `backend` starts its server, a lastword-server with its model where absent;
 * `options` are those that every device gives to `createSync`.
 */
export function system(name, { backend = (model) => startServer({ entities: model.file }), options = {} } = {}) {
  return (title, body) => test(title, { timeout: TEST_MAX_MS }, () => keeping(async (keep) => {
    const model = await modelOf(name);
    const server = keep(await backend(model));
    const front = keep(await startProxy(() => server.url));
    front.answer = bareAnswer;
    const browser = keep(await launch());
    await body({
      server,
      front,
      entities: model.entities,
      device: async (own = {}) => openDevice(await browser.newContext(), front.url, {
        database: name, entities: model.entities, backend: { url: "/" }, token: server.key, autoStart: false, ...options, ...own,
      }),
    });
  }));
}

/**
 * A device: a page of its own, with `sync` as a global. Syncs when told to, unless `options.autoStart` is set. With
 * `options.app` the backend is what that module exports.
 */
export async function openDevice(context, url, options) {
  const page = await openBare(context, url);
  const device = {
    page,
    context,
    errors: [],
    /** Runs a function on the page. */
    run: (work, argument) => page.evaluate(work, argument),
    syncNow: () => page.evaluate(() => sync.syncNow()),
    status: () => page.evaluate(() => sync.status()),
    put: (entity, record) => page.evaluate(([name, fields]) => sync.entities[name].put(fields), [entity, record]),
    bulkPut: (entity, records) => page.evaluate(([name, all]) => sync.entities[name].bulkPut(all), [entity, records]),
    update: (entity, id, patch) => page.evaluate(([name, key, fields]) => sync.entities[name].update(key, fields), [entity, id, patch]),
    delete: (entity, id) => page.evaluate(([name, key]) => sync.entities[name].delete(key), [entity, id]),
    read: (entity, id) => page.evaluate(([name, key]) => sync.entities[name].get(key), [entity, id]),
    list: (entity) => page.evaluate((name) => sync.entities[name].list(), entity),
    statusOf: (entity, id) => page.evaluate(([name, key]) => sync.entities[name].statusOf(key), [entity, id]),
    /** The typed error of a call, or its value. */
    attempt: (work, argument) => page.evaluate(([source, given]) => attempt(() => (0, eval)(`(${source})`)(given)), [work.toString(), argument]),
    /** Resolves when the status shows `state`, or when `fields` of it are as given. */
    until: (fields) => page.evaluate((wanted) => new Promise((resolve) => {
      const look = () => {
        const status = sync.getSnapshot();
        if (Object.entries(wanted).every(([name, value]) => status[name] === value)) stop(), resolve(status);
      };
      const stop = sync.subscribe(look);
      look();
    }), fields),
    /** Rows of a store, read from IndexedDB behind lastword's back. */
    rows: (store) => page.evaluate(rowsOf, [options.database, store]),
    /** Rows that the app writes into its store by itself. */
    write: (store, rows) => page.evaluate(writeRows, [options.database, store, rows]),
  };
  await page.evaluate(async ({ app, ...given }) => {
    globalThis.events = [];
    globalThis.sync = await createSync(app ? { ...given, backend: (await import(app)).backend } : given);
    for (const type of ["change", "conflict", "failure", "superseded", "auth_needed", "log"]) sync.on(type, (event) => events.push(event));
  }, options);
  return device;
}

/** Runs in a page: puts rows into a store, past lastword. */
function writeRows([database, store, rows]) {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(database);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction(store, "readwrite");
      for (const row of rows) transaction.objectStore(store).put(row);
      transaction.onabort = () => reject(transaction.error);
      transaction.oncomplete = () => {
        open.result.close();
        resolve();
      };
    };
  });
}

const TEST_MAX_MS = 240_000;
