// With the Dexie add-on: the app's hooks fire as before, transactions stay whole, and deletes are tombstones with a limit.
import assert from "node:assert/strict";
import { dexieApp, ENTITY } from "./dexie-app.mjs";

/** What the backend has of the app's writes, by id: a note, `live` or `deleted`. */
const seen = async (server) => Object.fromEntries(
  [...(await server.records(ENTITY))].filter(([id]) => id !== "old-log").map(([id, { isDeleted, note }]) => [id, isDeleted ? "deleted" : (note ?? "live")]).sort(),
);

dexieApp("the app's own hooks fire in their order, see what the app asked for, and may change what is stored", async ({ server, page }) => {
  const fired = await page.evaluate(async () => {
    await adopt(true);
    const fired = [];
    const stampsIn = (fields) => ["clientCreatedAt", "clientUpdatedAt", "isDeleted"].filter((name) => name in fields);
    logs.hook("creating", function (key, row) {
      fired.push(["creating", key, stampsIn(row)]);
      row.note = "by the hook";
      this.onsuccess = (stored) => fired.push(["created", stored]);
    });
    logs.hook("updating", function (changes, key, row) {
      fired.push(["updating", key, changes.note, stampsIn(changes), row.note]);
      return { note: `${changes.note}, and by the hook` };
    });
    logs.hook("deleting", function (key, row) {
      fired.push(["deleting", key, row.note]);
      this.onsuccess = () => fired.push(["deleted", key]);
    });
    const { exercise, performedAt, sets } = log;
    await logs.add({ id: "a", exercise, performedAt, sets });
    await logs.bulkPut([{ id: "b", exercise, performedAt, sets }, { id: "c", exercise, performedAt, sets }]);
    await logs.update("a", { note: "updated" });
    await logs.where("id").equals("b").modify({ note: "modified" });
    await logs.delete("c");
    await sync.syncNow();
    return fired;
  });
  assert.deepEqual(fired, [
    ["creating", "a", []], ["created", "a"],
    ["creating", "b", []], ["creating", "c", []], ["created", "b"], ["created", "c"],
    ["updating", "a", "updated", [], "by the hook"],
    ["updating", "b", "modified", [], "by the hook"],
    ["deleting", "c", "by the hook"], ["deleted", "c"],
  ]);
  assert.deepEqual(await seen(server), { a: "updated, and by the hook", b: "modified, and by the hook", c: "deleted" });
});

dexieApp("explicit transactions, nested ones among them, go out whole or not at all", async ({ server, page }) => {
  const told = await page.evaluate(async () => {
    await adopt(true);
    await sync.syncNow();
    let edits = 0;
    const edited = sync.edited;
    sync.edited = () => { edits += 1; edited(); };
    const put = (id) => logs.put({ ...log, id });

    await db.transaction("rw", logs, db.table("user-bodyweight-logs"), async () => {
      await put("outer");
      await db.transaction("rw", logs, async () => {
        await logs.bulkPut([{ ...log, id: "inner" }, { ...log, id: "gone" }]);
        await logs.where("id").equals("inner").modify((row) => { row.note = `${row.exercise} modified`; });
        await logs.where("id").startsWith("gone").delete();
      });
      await logs.where("exercise").equals("Squat").and(({ id }) => id === "outer").modify({ note: "after the inner one" });
    });
    const whole = edits;
    const failed = await db.transaction("rw", logs, async () => {
      await put("lost");
      await logs.delete("outer");
      await db.transaction("rw", logs, () => logs.where("id").equals("inner").delete());
      throw new Error("the app changed its mind");
    }).then(() => "committed", ({ message }) => message);
    const inner = await db.transaction("rw", logs, async () => {
      await put("with the inner one");
      await db.transaction("rw", logs, async () => { await put("lost too"); throw new Error("the inner one failed"); });
    }).then(() => "committed", ({ message }) => message);
    await sync.syncNow();
    return { isTold: whole > 0, untold: edits - whole, failed, inner, rows: (await logs.toArray()).map(({ id }) => id).sort() };
  });
  assert.deepEqual(told, {
    isTold: true, untold: 0, failed: "the app changed its mind", inner: "the inner one failed", rows: ["gone", "inner", "old-log", "outer"],
  });
  assert.deepEqual(await seen(server), { gone: "deleted", inner: "Squat modified", outer: "after the inner one" });
});

dexieApp("a delete leaves older tombstones as they are, and most of a table goes only with leave", async ({ server, page }) => {
  const ids = Array.from({ length: 120 }, (_, at) => `log-${String(at).padStart(3, "0")}`);
  const result = await page.evaluate(async (ids) => {
    const asked = [];
    await adopt(true, { mayDelete: (table, count) => { asked.push([table, count]); return asked.length > 2; } });
    await logs.bulkPut(ids.map((id) => ({ ...log, id })));
    await logs.delete("log-000");
    const { clientUpdatedAt } = await logs.get("log-000");
    const refused = [await attempt(() => logs.clear()), await attempt(() => logs.where("exercise").equals("Squat").delete())];
    const left = await logs.filter((row) => !row.isDeleted).count();
    await logs.clear();
    const rows = await logs.toArray();
    await sync.syncNow();
    return {
      asked, left, refused: refused.map(({ typed, code }) => [typed, code]), live: rows.filter((row) => !row.isDeleted).length,
      older: rows.find(({ id }) => id === "log-000").clientUpdatedAt - clientUpdatedAt,
    };
  }, ids);
  assert.deepEqual(result.refused, [[true, "mass_delete"], [true, "mass_delete"]]);
  assert.deepEqual(result.asked.map(([table]) => table), [ENTITY, ENTITY, ENTITY]);
  assert.deepEqual([result.left, result.live, result.older], [120, 0, 0]);
  assert.equal(Object.values(await seen(server)).every((state) => state === "deleted"), true);
});

dexieApp("a deleted row may be added again, by itself and among others, and a live one may not", async ({ server, page }) => {
  const result = await page.evaluate(async () => {
    await adopt(true);
    await logs.bulkAdd(["a", "b", "c"].map((id) => ({ ...log, id })));
    await sync.syncNow();
    await logs.bulkDelete(["a", "b"]);
    // One that was sent as deleted, and one that is deleted and added before it is sent.
    await sync.syncNow();
    await logs.delete("c");
    const refused = async (work) => work().then((value) => value, ({ name }) => name);
    const added = [await refused(() => logs.add({ ...log, id: "a", exercise: "again" })), await refused(() => logs.add({ ...log, id: "c", exercise: "again" }))];
    const live = await refused(() => logs.add({ ...log, id: "a", exercise: "thrice" }));
    const all = await refused(() => db.transaction("rw", logs, () => logs.bulkAdd(["d", "b", "b", "e"].map((id, at) => ({ ...log, id, exercise: `${at}` })))));
    const some = await logs.bulkAdd(["d", "b", "e"].map((id, at) => ({ ...log, id, exercise: `${at}` })), { allKeys: true });
    const marks = (await logs.bulkGet(["a", "b"])).map(({ _synced }) => typeof _synced);
    await sync.syncNow();
    return { added, live, all, some, marks, pending: (await sync.pending()).length };
  });
  assert.deepEqual(result, { added: ["a", "c"], live: "ConstraintError", all: "BulkError", some: ["d", "b", "e"], marks: ["string", "string"], pending: 0 });
  const exercises = [...(await server.records(ENTITY)).values()].map(({ id, exercise, isDeleted }) => [id, isDeleted ? "deleted" : exercise]);
  assert.deepEqual(exercises.sort(), [["a", "again"], ["b", "1"], ["c", "again"], ["d", "0"], ["e", "2"], ["old-log", "Squat"]]);
});

dexieApp("where deletes are hard the row goes from this device alone", async ({ server, page }) => {
  const left = await page.evaluate(async () => {
    await adopt(true, { deletes: "hard" });
    await logs.put({ ...log, id: "a" });
    await sync.syncNow();
    await logs.delete("a");
    // What was pushed comes once more with the pull that confirms it.
    await sync.syncNow();
    return logs.toArray();
  });
  assert.deepEqual(left.map(({ id }) => id), ["old-log"]);
  assert.deepEqual(await seen(server), { a: "live" });
});
