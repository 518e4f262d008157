// An app that keeps its own Dexie database: adopted by one version of stores and one call, with and without the add-on.
import assert from "node:assert/strict";
import { barePage } from "./bare.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";

/**
 * A scenario with a page whose app has ten Dexie tables and a log in one of them from before lastword.
 * `adopt(withAddOn)` is what the app's author adds.
 */
function dexieApp(name, body) {
  barePage(name, async (world) => {
    await world.page.evaluate(async ([declared, token]) => {
      const { Dexie, liveQuery } = await import("dexie");
      const { lastwordDexie, lastwordStores } = await import("/lastword/dexie.js");
      const tables = Object.fromEntries(Object.keys(declared).map((entity) => [entity, "id, clientUpdatedAt"]));
      tables["workout-logs"] = "id, clientUpdatedAt, exercise";
      const old = new Dexie("app");
      old.version(1).stores(tables);
      const at = Date.now() - 60_000;
      const log = { clientCreatedAt: at, clientUpdatedAt: at, isDeleted: false, exercise: "Squat", performedAt: at, sets: [{ reps: 5, weight: 100 }] };
      await old.table("workout-logs").add({ id: "old-log", ...log });
      old.close();

      globalThis.liveQuery = liveQuery;
      globalThis.log = log;
      globalThis.adopt = async (withAddOn) => {
        const db = new Dexie("app");
        db.version(1).stores(tables);
        db.version(2).stores(lastwordStores);
        const entities = Object.fromEntries(Object.entries(declared).map(([entity, options]) => [entity, { ...options, detect: "scan" }]));
        const addOn = withAddOn ? lastwordDexie(db, { entities }) : undefined;
        await db.open();
        const sync = await createSync({ database: "app", attached: true, entities, backend: { url: "/" }, token });
        addOn?.connect(sync);
        Object.assign(globalThis, { db, sync, logs: db.table("workout-logs") });
      };
      /** The first value of a live query for which `holds` is true. */
      globalThis.firstLive = (query, holds) => new Promise((resolve, reject) => {
        const subscription = liveQuery(query).subscribe({ next: (value) => holds(value) && (subscription?.unsubscribe(), resolve(value)), error: reject });
      });
    }, [file.entities, world.server.key]);
    await body(world);
  });
}

dexieApp("adopted without the add-on: old rows and the app's own stamped writes are found and sent", async ({ server, page }) => {
  await page.evaluate(async () => {
    await adopt(false);
    await logs.add({ ...log, id: "new-log", clientUpdatedAt: Date.now(), exercise: "Bench" });
    await sync.syncNow();
    await logs.update("old-log", { note: "heavier", clientUpdatedAt: Date.now() });
    await sync.syncNow();
  });
  const records = await server.records(ENTITY);
  assert.deepEqual([...records.keys()].sort(), ["new-log", "old-log"]);
  assert.equal(records.get("old-log").note, "heavier");
});

dexieApp("with the add-on, writes of every kind go out by themselves, and deletes leave tombstones", async ({ server, page }) => {
  await page.evaluate(async () => {
    await adopt(true);
    await logs.bulkPut(["a", "b", "c", "d", "e"].map((id) => ({ ...log, id })));
    await db.transaction("rw", logs, async () => {
      await logs.update("a", { note: "updated" });
      await logs.where("id").equals("b").modify({ note: "modified" });
      await logs.add({ id: "f", exercise: "Row", performedAt: 1, sets: [{ reps: 1, weight: 1 }] });
    });
    await logs.delete("c");
    await logs.where("id").anyOf("d", "e").delete();
    globalThis.settled = new Promise((resolve) => {
      const look = ({ status }) => status.state === "idle" && status.pending === 0 && status.entities["workout-logs"].lastPushAt && resolve();
      sync.on("status", look);
    });
    await settled;
    await sync.syncNow();
  });
  const records = await server.records(ENTITY);
  const seen = Object.fromEntries([...records].map(([id, { isDeleted, note }]) => [id, isDeleted ? "deleted" : (note ?? "live")]));
  assert.deepEqual(seen, { "old-log": "live", a: "updated", b: "modified", c: "deleted", d: "deleted", e: "deleted", f: "live" });
  assert.ok(records.get("a").clientUpdatedAt > records.get("a").clientCreatedAt);
});

dexieApp("with the add-on, a live query shows what another device wrote", async ({ server, page }) => {
  await page.evaluate(async () => {
    await adopt(true);
    await sync.syncNow();
    globalThis.deadlifts = firstLive(() => logs.where("exercise").equals("Deadlift").toArray(), (found) => found.length > 0);
    globalThis.lighter = firstLive(() => logs.get("old-log"), (row) => row?.note === "from elsewhere");
  });
  const now = Date.now();
  const old = (await server.records(ENTITY)).get("old-log");
  const fields = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false, performedAt: now, sets: [{ reps: 5, weight: 140 }] };
  const results = await server.push(ENTITY, [
    { id: "remote-log", exercise: "Deadlift", ...fields },
    { id: "old-log", exercise: old.exercise, ...fields, clientCreatedAt: old.clientCreatedAt, note: "from elsewhere" },
  ]);
  assert.deepEqual(results.map(({ status }) => status), ["applied", "applied"]);
  const seen = await page.evaluate(async () => {
    await sync.syncNow();
    return [(await deadlifts)[0].id, (await lighter).note];
  });
  assert.deepEqual(seen, ["remote-log", "from elsewhere"]);
});
