// Several tabs of one profile share one database: one of them syncs, all of them show the same.
import assert from "node:assert/strict";
import { openApp } from "./app.mjs";
import { scenario } from "./world.mjs";

const ENTITY = "workout-logs";

/** A second tab of the same profile. It has a session of its own, so it signs in too. */
function secondTab(first, url, key) {
  return openApp(first.context, url, { key });
}

scenario("an edit in the tab that does not lead goes out at once and shows in both", async ({ server, device }) => {
  const first = await device();
  await first.synced();
  const second = await secondTab(first, server.url, server.key);
  await second.synced();
  await second.add({ exercise: "Squat", note: "from the second tab" });
  await second.synced();
  assert.equal([...(await server.records(ENTITY)).values()][0].note, "from the second tab");
  await first.shows("Squat", "from the second tab");
  await first.edit("Squat", { note: "from the first tab" });
  await second.shows("Squat", "from the first tab");
});

scenario("“Sync now” in a tab that does not lead runs a round in the one that does, and both show what arrived", async ({ server, device }) => {
  const first = await device();
  await first.synced();
  const second = await secondTab(first, server.url, server.key);
  await second.synced();
  const now = Date.now();
  await server.push(ENTITY, [{
    id: "0193a5c0-0000-7000-8000-000000000001", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false,
    exercise: "Deadlift", performedAt: now, sets: [{ reps: 5, weight: 140 }], note: "From elsewhere",
  }]);
  await second.syncNow();
  await second.shows("Deadlift", "From elsewhere");
  await first.shows("Deadlift", "From elsewhere");
  await second.page.getByRole("button", { name: "Sync now" }).and(second.page.locator(":enabled")).waitFor();
});

scenario("when the leading tab closes in the middle of a push, the other sends the same body again, once", async ({ proxy, server, device }) => {
  const front = await proxy();
  const keys = [];
  let hold = true;
  let held;
  const isHeld = new Promise((resolve) => { held = resolve; });
  front.answer = ({ method, headers }) => {
    if (method !== "POST") return undefined;
    keys.push(headers["idempotency-key"]);
    if (!hold) return undefined;
    held();
    return new Promise(() => {});
  };
  const first = await device({ url: front.url });
  await first.synced();
  const second = await secondTab(first, front.url, server.key);
  await second.synced();
  await second.add({ exercise: "Squat" });
  await isHeld;
  hold = false;
  await first.page.close();
  await second.synced();
  assert.deepEqual([...new Set(keys)].length, 1, "one body, one key");
  const records = [...(await server.records(ENTITY)).values()];
  assert.deepEqual(records.map(({ version }) => version), [1]);
});
