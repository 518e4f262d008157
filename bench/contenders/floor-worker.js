// The floor: fetch, JSON.parse, one transaction a page, the next page on its way meanwhile, puts issued without waiting.
// No validation and no metadata but the cursor; an edit puts a second copy into an outbox whose keys count up, so that what
// was sent goes with one range delete. It survives neither a second tab nor an answer that was lost: it is a floor.

let db;
let base;
let names;

const calls = {
  async open({ base: url, database, entities }) {
    base = url;
    names = entities;
    db = await new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => {
        for (const entity of entities) request.result.createObjectStore(entity, { keyPath: "id" });
        request.result.createObjectStore("outbox", { autoIncrement: true });
        request.result.createObjectStore("meta");
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  },

  async sync() {
    for (const entity of names) await pull(entity);
    await push();
  },

  async edit(entity, records) {
    const transaction = begin([entity, "outbox"]);
    const [rows, outbox] = [transaction.objectStore(entity), transaction.objectStore("outbox")];
    for (const record of records) {
      rows.put(record);
      outbox.put({ entity, record });
    }
    await done(transaction);
  },

  count: (entity) => result(db.transaction(entity).objectStore(entity).count()),
  row: (entity, id) => result(db.transaction(entity).objectStore(entity).get(id)),
};

async function pull(entity) {
  const cursor = await result(db.transaction("meta").objectStore("meta").get(entity));
  let next = fetchPage(entity, cursor);
  do {
    const page = await next;
    if (page.hasMore) next = fetchPage(entity, page.cursor);
    if (page.records.length > 0) await apply(entity, page);
    if (!page.hasMore) return;
  } while (true);
}

async function fetchPage(entity, cursor) {
  const since = cursor === undefined ? "" : `&since=${cursor}`;
  const response = await fetch(`${base}/api/v1/${entity}?limit=${PAGE}${since}`, { cache: "no-store" });
  return JSON.parse(await response.text());
}

/** Every row is written but those that have an edit which is newer. */
async function apply(entity, { records, cursor }) {
  const transaction = begin([entity, "outbox", "meta"]);
  const rows = transaction.objectStore(entity);
  const edits = await result(transaction.objectStore("outbox").getAll());
  const stamps = new Map(edits.filter((edit) => edit.entity === entity).map(({ record }) => [record.id, record.clientUpdatedAt]));
  for (const record of records) {
    if (!(stamps.get(record.id) > record.clientUpdatedAt)) rows.put(record);
  }
  transaction.objectStore("meta").put(cursor, entity);
  await done(transaction);
}

/** One batch is read while the one before it is on its way. */
async function push() {
  let next = edits(0);
  do {
    const { keys, values } = await next;
    if (keys.length === 0) return;
    next = edits(keys.at(-1));
    const byEntity = Map.groupBy(values, ({ entity }) => entity);
    for (const [entity, batch] of byEntity) {
      const body = JSON.stringify({ records: batch.map(({ record }) => record) });
      const response = await fetch(`${base}/api/v1/${entity}/batch`, { method: "POST", body, headers: { "content-type": "application/json" } });
      if (!response.ok) throw new Error(`push: ${response.status}`);
      await response.text();
    }
    const transaction = begin(["outbox"]);
    transaction.objectStore("outbox").delete(IDBKeyRange.upperBound(keys.at(-1)));
    await done(transaction);
  } while (true);
}

async function edits(after) {
  const outbox = db.transaction("outbox").objectStore("outbox");
  const range = IDBKeyRange.lowerBound(after, true);
  const [keys, values] = await Promise.all([result(outbox.getAllKeys(range, BATCH)), result(outbox.getAll(range, BATCH))]);
  return { keys, values };
}

function begin(stores) {
  return db.transaction(stores, "readwrite", { durability: "relaxed" });
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction) {
  transaction.commit();
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

onmessage = async ({ data: { id, name, args } }) => {
  try {
    postMessage({ id, result: await calls[name](...args) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};

/** Pages of 1,000 to 5,000 are equal here; a larger one only holds more memory. */
const PAGE = 1000;
const BATCH = 500;
