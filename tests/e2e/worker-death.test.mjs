// A worker that ends or breaks is replaced: its calls fail with an error that says to try again, the page hears of it, and nothing is lost.
import assert from "node:assert/strict";
import { bare } from "./bare.mjs";
import { bareAnswer } from "./bare-page.mjs";

const ENTITY = "workout-logs";

/** Each runs in the worker. */
const DEATHS = {
  "ends by itself": () => self.close(),
  "meets a trap in the wasm": () => setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); }),
};

for (const [death, die] of Object.entries(DEATHS)) {
  bare(`a worker that ${death} in the middle of a round is replaced, and what it had stored goes out`, async ({ server, front, page }) => {
    const isHeld = new Promise((resolve) => {
      front.answer = (request) => (request.method === "POST" ? new Promise(() => resolve()) : bareAnswer(request));
    });
    const asked = page.evaluate(async () => {
      globalThis.replaced = new Promise((resolve) => sync.on("worker_replaced", ({ error }) => resolve([error.code, error.retryable])));
      await logs.put({ ...log, exercise: "before" });
      return attempt(() => sync.syncNow());
    });
    await isHeld;
    front.answer = bareAnswer;
    // It may be gone before it can answer.
    await page.workers()[0].evaluate(die).catch(() => {});
    const { typed, code, retryable } = await asked;
    assert.deepEqual([typed, code, retryable], [true, "worker_died", true]);
    assert.deepEqual(await page.evaluate(() => replaced), ["worker_died", true]);
    await page.evaluate(async () => { await logs.put({ ...log, exercise: "after" }); await sync.syncNow(); });
    const records = [...(await server.records(ENTITY)).values()];
    assert.deepEqual(records.map(({ exercise, version }) => [exercise, version]).sort(), [["after", 1], ["before", 1]]);
  }, { autoStart: false });
}
