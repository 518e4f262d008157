// Wrong keys, dead servers and nonsense answers: one clear typed error each, and no row lost or half-applied.
import assert from "node:assert/strict";
import { scenario } from "./world.mjs";

const ENTITY = "workout-logs";
const PATH = "/api/v1/workout-logs";

/** A record as another device would have made it. */
function log(number, fields = {}) {
  const now = Date.now();
  return {
    id: `0193a5c0-0000-7000-8000-00000000000${number}`, clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false,
    serverUpdatedAt: now, version: 1, exercise: `Exercise ${number}`, performedAt: now - number, sets: [{ reps: 5, weight: 10 }], ...fields,
  };
}

/** A page of the protocol with these records. */
function pageOf(records, epoch = "e1") {
  return { records, cursor: "c1", hasMore: false, upTo: Date.now(), serverTime: Date.now(), epoch };
}

/** Waits for the page's error and checks its code. */
async function complains(app, code) {
  await app.page.getByRole("alert").filter({ hasText: `(${code})` }).waitFor();
}

scenario("a wrong key is one clear error, and the edit waits for a right one", async ({ server, device }) => {
  const phone = await device({ key: "lastword_wrong" });
  await phone.add({ exercise: "Squat" });
  await phone.state("auth_needed");
  await phone.syncNow();
  await complains(phone, "auth_needed");
  await phone.shows("Squat", "Not sent yet");
  assert.equal((await server.records(ENTITY)).size, 0);

  await phone.signIn(server.key);
  await phone.synced();
  assert.equal((await server.records(ENTITY)).size, 1);
});

scenario("an unreachable server is one clear error, and the edit goes out when it is back", async ({ server, device }) => {
  const phone = await device();
  await phone.synced();
  await server.stop();
  await phone.add({ exercise: "Squat" });
  await phone.syncNow();
  await complains(phone, "network");
  await phone.shows("Squat", "Not sent yet");
  await server.start();
  await phone.syncNow();
  await phone.synced();
  assert.equal((await server.records(ENTITY)).size, 1);
});

scenario("a malformed record is set aside and the others of its page arrive", async ({ proxy, device }) => {
  const front = await proxy();
  const records = [log(1), { ...log(2), sets: "many" }, { ...log(3), clientUpdatedAt: "yesterday" }, log(4)];
  front.answer = ({ method, path }) => (method === "GET" && path === PATH ? { body: pageOf(records) } : undefined);
  const phone = await device({ url: front.url });
  await phone.shows("Exercise 1", "kg");
  await phone.shows("Exercise 4", "kg");
  assert.deepEqual((await phone.rows("e2e", ENTITY)).map(({ id }) => id), [log(1).id, log(4).id]);
  assert.equal((await phone.rows("e2e", "_lastword_quarantine")).length, 2);
});

for (const [what, answer] of [
  ["invalid JSON", { body: '{"records": [{"id": "1", ' }],
  ["a page of another shape", { body: { items: [] } }],
  ["an answer that is not JSON at all", { body: "<h1>Welcome</h1>", headers: { "content-type": "text/html" } }],
  ["a page that is cut off", { body: pageOf([log(1), log(2), log(3)]), cutAt: 300 }],
]) {
  scenario(`${what} is one clear error: nothing of it is applied, and the next good page is`, async ({ proxy, server, device }) => {
    const front = await proxy();
    front.answer = ({ method, path }) => (method === "GET" && path === PATH ? answer : undefined);
    const phone = await device({ url: front.url });
    await phone.add({ exercise: "Squat" });
    await phone.syncNow();
    await complains(phone, "cutAt" in answer ? "network" : "bad_response");
    assert.deepEqual((await phone.rows("e2e", ENTITY)).map(({ exercise }) => exercise), ["Squat"]);

    front.answer = () => undefined;
    await phone.syncNow();
    await phone.synced();
    assert.equal((await server.records(ENTITY)).size, 1, "the local edit was not lost");
  });
}

scenario("a push answer that is cut off is no answer: the same body goes again and is stored once", async ({ proxy, server, device }) => {
  const front = await proxy();
  const keys = [];
  front.answer = async ({ method, path, headers, body }) => {
    if (method !== "POST" || path !== `${PATH}/batch`) return undefined;
    keys.push(headers["idempotency-key"]);
    if (keys.length > 1) return undefined;
    // The server has applied it; only the answer is lost.
    await server.push(ENTITY, JSON.parse(body).records);
    return { body: { results: [] }, cutAt: 5 };
  };
  const phone = await device({ url: front.url });
  await phone.add({ exercise: "Squat" });
  await phone.synced();
  assert.ok(keys.length >= 2);
  assert.equal(keys[0], keys[1], "a repeat has the same idempotency key");
  assert.equal((await server.records(ENTITY)).size, 1);
});
