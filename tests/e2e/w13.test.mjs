// The five scenarios of row W13, on real parts: browser profiles on disk, the server process, nothing replaced.
import assert from "node:assert/strict";
import { scenario } from "./world.mjs";

const ENTITY = "workout-logs";

/** The backend's copy of the log of an exercise. */
async function onBackend(server, exercise) {
  return [...(await server.records(ENTITY)).values()].find((record) => record.exercise === exercise);
}

scenario("W13 (1) opt in, create locally, see it on the backend", async ({ server, device }) => {
  const phone = await device({ key: "" });
  await phone.add({ exercise: "Back squat", sets: 3, reps: 5, weight: 102.5, note: "Before sync was on" });
  assert.equal((await server.records(ENTITY)).size, 0, "nothing leaves the device before opting in");

  await phone.signIn(server.key);
  await phone.synced();
  const record = await onBackend(server, "Back squat");
  assert.deepEqual(record.sets, [{ reps: 5, weight: 102.5 }, { reps: 5, weight: 102.5 }, { reps: 5, weight: 102.5 }]);
  assert.equal(record.note, "Before sync was on");

  await phone.add({ exercise: "Bench press" });
  await phone.synced();
  assert.ok(await onBackend(server, "Bench press"), "a later log goes out by itself");
});

scenario("W13 (2) the backend has new data: sync shows it in IndexedDB and on the page", async ({ server, device }) => {
  const laptop = await device();
  await laptop.synced();
  const now = Date.now();
  const [result] = await server.push(ENTITY, [{
    id: "0193a5c0-0000-7000-8000-000000000001", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false,
    exercise: "Deadlift", performedAt: now, sets: [{ reps: 5, weight: 140 }], note: "From elsewhere",
  }]);
  assert.equal(result.status, "applied");
  await laptop.syncNow();
  await laptop.shows("Deadlift", "From elsewhere");
  const [row] = await laptop.rows("e2e", ENTITY);
  assert.equal(row.exercise, "Deadlift");
  assert.equal(row.clientUpdatedAt, now);
});

scenario("W13 (3) offline edits go out when the network is back", async ({ server, device }) => {
  const phone = await device();
  await phone.add({ exercise: "Row", note: "online" });
  await phone.synced();

  await phone.context.setOffline(true);
  await phone.edit("Row", { note: "edited offline" });
  await phone.add({ exercise: "Pull-up", note: "made offline" });
  await phone.shows("Pull-up", "Not sent yet");
  await phone.state("offline");
  assert.equal((await onBackend(server, "Row")).note, "online");
  assert.equal(await onBackend(server, "Pull-up"), undefined);

  await phone.context.setOffline(false);
  await phone.synced();
  assert.equal((await onBackend(server, "Row")).note, "edited offline");
  assert.equal((await onBackend(server, "Pull-up")).note, "made offline");
});

scenario("W13 (3) edits made while the server is down survive a closed page and go out when it is back", async ({ server, device }) => {
  const phone = await device();
  await phone.synced();
  await server.stop();
  await phone.add({ exercise: "Row", note: "server down" });
  await phone.state("offline");
  await phone.page.close();
  await server.start();
  await phone.open();
  await phone.shows("Row", "server down");
  await phone.signIn(server.key);
  await phone.synced();
  assert.equal((await onBackend(server, "Row")).note, "server down");
});

const ORDERS = {
  older: "W13 (4) both sides edit one record: the last write wins, the older edit sent first",
  newer: "W13 (4) both sides edit one record: the last write wins, the newer edit sent first",
};
for (const [first, title] of Object.entries(ORDERS)) {
  scenario(title, async ({ server, device }) => {
    const [phone, laptop] = [await device(), await device()];
    await phone.add({ exercise: "Squat", note: "as made" });
    await phone.synced();
    await laptop.syncNow();
    await laptop.shows("Squat", "as made");

    await phone.context.setOffline(true);
    await laptop.context.setOffline(true);
    await phone.edit("Squat", { note: "older edit" });
    await laptop.edit("Squat", { note: "newer edit" });
    await phone.state("offline");
    await laptop.state("offline");
    const order = first === "older" ? [phone, laptop] : [laptop, phone];
    for (const app of order) {
      await app.context.setOffline(false);
      await app.synced();
    }
    for (const app of order) {
      await app.syncNow();
      await app.shows("Squat", "newer edit");
    }
    assert.equal((await onBackend(server, "Squat")).note, "newer edit");
  });
}

scenario("W13 (5) soft deletes travel both ways", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  await phone.add({ exercise: "Curl" });
  await phone.add({ exercise: "Press" });
  await phone.synced();
  await laptop.syncNow();
  await laptop.shows("Curl", "kg");
  await laptop.shows("Press", "kg");

  await phone.delete("Curl");
  await phone.synced();
  await laptop.syncNow();
  await laptop.gone("Curl");

  await laptop.delete("Press");
  await laptop.synced();
  await phone.syncNow();
  await phone.gone("Press");
  const records = [...(await server.records(ENTITY)).values()];
  assert.equal(records.length, 2, "tombstones stay on the backend");
  assert.ok(records.every((record) => record.isDeleted));
});
