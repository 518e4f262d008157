// The published package in a real page: its calls, its errors, and a worker that dies.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";
import { bareAnswer } from "./bare-page.mjs";

const ENTITY = "workout-logs";

bare("the package works from a plain module script: put, whenSynced, statusOf, update, delete", async ({ server, page }) => {
  const seen = await page.evaluate(async () => {
    const stored = await logs.put(log);
    const before = (await logs.statusOf(stored.id)).state;
    await logs.whenSynced(stored.id);
    const after = (await logs.statusOf(stored.id)).state;
    const updated = await logs.update(stored.id, { note: "heavy" });
    await sync.syncNow();
    return { stored, before, after, updated, missing: await logs.get("none"), list: (await logs.list()).length };
  });
  assert.match(seen.stored.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/, "ids are UUID v7");
  assert.equal(seen.stored.isDeleted, false);
  assert.deepEqual([seen.before, seen.after], ["pending", "synced"]);
  assert.ok(seen.updated.clientUpdatedAt > seen.stored.clientUpdatedAt);
  assert.equal(seen.updated.clientCreatedAt, seen.stored.clientCreatedAt);
  assert.deepEqual([seen.missing, seen.list], [undefined, 1]);
  assert.equal((await server.records(ENTITY)).get(seen.stored.id).note, "heavy");

  const rest = await page.evaluate(async (id) => {
    await logs.delete(id);
    const result = await sync.syncNow();
    return { result, list: await logs.list(), all: await logs.list({ includeDeleted: true }), pending: await sync.pending() };
  }, seen.stored.id);
  assert.equal(rest.result.pushed, 1);
  assert.deepEqual([rest.list, rest.all.length, rest.pending], [[], 1, []]);
  assert.equal((await server.records(ENTITY)).get(seen.stored.id).isDeleted, true);
});

bare("what cannot be stored as it is is refused with the path, and nothing is stored", async ({ page }) => {
  const refused = await page.evaluate(async () => {
    const cases = {
      schema: { ...log, sets: [{ reps: "five", weight: 1 }] },
      surrogate: { ...log, note: "a\ud800b" },
      date: { ...log, performedAt: new Date() },
      nan: { ...log, performedAt: NaN },
      bigint: { ...log, performedAt: 1n },
      map: { ...log, sets: new Map() },
      unknown: { ...log, extra: 1 },
    };
    const answers = {};
    for (const [name, record] of Object.entries(cases)) answers[name] = await attempt(() => logs.put(record));
    answers.bulk = await attempt(() => logs.bulkPut([log, cases.schema]));
    return { answers, left: (await logs.list()).length };
  });
  for (const [name, answer] of Object.entries(refused.answers)) {
    assert.equal(answer.code, "invalid", `${name}: ${JSON.stringify(answer)}`);
    assert.ok(answer.typed, name);
  }
  assert.equal(refused.answers.schema.details[0].path, "/sets/0/reps");
  assert.equal(refused.left, 0);
});

bare("a worker that ends is replaced: its calls fail retryable, the data is there, the sync goes on", async ({ server, page }) => {
  const id = await page.evaluate(async () => (await logs.put(log)).id);
  await page.evaluate(() => {
    globalThis.replaced = new Promise((resolve) => sync.on("worker_replaced", ({ error }) => resolve(error.code)));
  });
  await page.workers()[0].evaluate(() => self.close());
  assert.equal(await page.evaluate(() => replaced), "worker_died");
  const after = await page.evaluate(async (id) => {
    await logs.whenSynced(id);
    return (await logs.list()).length;
  }, id);
  assert.equal(after, 1);
  assert.equal((await server.records(ENTITY)).size, 1);
});

bare("a trap in the wasm module replaces the worker, and a call that waits for it ends", async ({ front, page }) => {
  front.answer = async (request) => (request.path.startsWith("/api/") ? new Promise(() => {}) : bareAnswer(request));
  await page.evaluate(() => {
    globalThis.waiting = attempt(() => sync.syncNow());
    globalThis.replaced = new Promise((resolve) => sync.on("worker_replaced", resolve)).then(() => true);
  });
  await page.workers()[0].evaluate(() => {
    setTimeout(() => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
  });
  const answer = await page.evaluate(() => waiting);
  assert.deepEqual([answer.code, answer.retryable, answer.typed], ["worker_died", true, true]);
  assert.equal(await page.evaluate(() => replaced), true);
  assert.equal(await page.evaluate(async () => (await logs.put(log)).isDeleted), false);
});

bare("a refused token is asked for again, once, and the round goes on", async ({ server, page }) => {
  const asked = await page.evaluate(async (key) => {
    const asked = [];
    await sync.configure({
      token: ({ refresh }) => {
        asked.push(refresh);
        return refresh ? key : "lastword_old";
      },
    });
    await sync.signIn({ account: "tester" });
    await logs.put(log);
    await sync.syncNow();
    return asked;
  }, server.key);
  assert.ok(asked.includes(true));
  assert.equal((await server.records(ENTITY)).size, 1);
});
