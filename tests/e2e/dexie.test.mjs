// An app that keeps its own Dexie database: adopted by one version of stores and one call, with and without the add-on.
import assert from "node:assert/strict";
import { dexieApp, ENTITY } from "./dexie-app.mjs";

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
