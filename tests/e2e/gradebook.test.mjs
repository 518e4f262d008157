// System G of docs/seeds.md, a gradebook on bad networks: optimistic edits, a visible queue, conflicts by choice, and a
// backend of its own with endpoints and shapes of its own.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { blocks } from "../docs/blocks.mjs";
import { bareAnswer } from "./bare-page.mjs";
import { DEADLINE_MS, rowsOf } from "./browser.mjs";
import { gradebookApp, startGradebook } from "./gradebook-backend.mjs";
import { system } from "./system.mjs";

const SCORES = "/api/desktop/sync/ecr-scores";
const own = system("gradebook", { backend: startGradebook, options: { app: "/gradebook.js" } });

/** A test on the gradebook's own backend. `answer` may take a request before it does. */
function gradebook(name, body) {
  own(name, async (world) => {
    const app = { headers: { "content-type": "text/javascript" }, body: gradebookApp(world.entities) };
    const scores = [];
    world.answer = () => undefined;
    world.front.answer = (request) => {
      if (request.path === "/gradebook.js") return app;
      if (request.method === "POST" && request.path === SCORES) scores.push(JSON.parse(request.body).length);
      return world.answer(request) ?? bareAnswer(request);
    };
    await body({ ...world, scores, answers: (answer) => { world.answer = answer; } });
  });
}

/** A class of one student and one subject, and a score of that student. */
async function begin(device, fields = {}) {
  const student = await device.put("students", { name: "Pupil 1" });
  const subject = await device.put("subjects", { name: "Mathematics" });
  const score = (more) => ({ student_id: student.id, subject_id: subject.id, item: "Quiz 1", score: 8, total: 10, ...more });
  return { student, subject, score, first: await device.put("student_ecr_item_scores", score(fields)) };
}

gradebook("G1, G9: an edit is in its table and queued in one step, and reaches the backend's own endpoints in their own shapes", async ({ server, device }) => {
  const desk = await device();
  await server.stop();
  const { first } = await begin(desk);
  assert.equal((await desk.rows("student_ecr_item_scores"))[0].score, 8);
  const [change] = await desk.run(() => sync.entities.student_ecr_item_scores.pending());
  const { entity, id, operation, state, attempts, error, lastAttemptAt } = change;
  assert.deepEqual({ entity, id, operation, state, attempts, error, lastAttemptAt }, {
    entity: "student_ecr_item_scores", id: first.id, operation: "create", state: "pending", attempts: 0, error: null, lastAttemptAt: null,
  });
  assert.ok(change.queuedAt > 0);
  await server.start();
  await desk.syncNow();
  await desk.put("student_running_grades", { student_id: first.student_id, subject_id: first.subject_id, quarter: 2, grade: 88.5 });
  await desk.syncNow();
  const row = (await server.rows(SCORES)).get(first.id);
  assert.deepEqual([row.score, row.updated_at, row.is_deleted], [8, first.updated_at, false]);
  assert.equal((await server.rows("/api/desktop/sync/running-grades")).size, 1);
  assert.deepEqual(await server.request("/api/desktop/sync/status"), { last_sync: 4, conflicts: 0 });
});

gradebook("G2: syncing, then synced: the queue is empty and the record has the server's updated_at", async ({ device, answers, server }) => {
  const desk = await device();
  const { first } = await begin(desk);
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  answers(({ method }) => (method === "POST" ? held : undefined));
  const round = desk.syncNow();
  assert.equal((await desk.until({ state: "syncing" })).pending, 3);
  answers(() => undefined);
  release();
  await round;
  assert.deepEqual([(await desk.statusOf("student_ecr_item_scores", first.id)).state, await desk.run(() => sync.pending())], ["synced", []]);
  const [row] = await desk.rows("student_ecr_item_scores");
  assert.equal(row.server_updated_at, (await server.rows(SCORES)).get(first.id).server_updated_at);
});

gradebook("G2: a journal of the app's own keeps every edit and what became of it", async ({ device, front }) => {
  const answer = front.answer;
  const code = await journalOf("docs/guides/status.md");
  front.answer = (request) => (request.path === "/journal.js" ? { headers: { "content-type": "text/javascript" }, body: code } : answer(request));
  const desk = await device();
  await desk.run(() => import("/journal.js"));
  const { first } = await begin(desk);
  const kept = (id, wanted) => journalled(desk.page, id, wanted);
  await kept(first.id, [["create", 8, "pending", null]]);
  await desk.syncNow();
  await kept(first.id, [["create", 8, "synced", null]]);

  await desk.update("student_ecr_item_scores", first.id, { score: 12 });
  await kept(first.id, [["create", 8, "synced", null], ["update", 12, "pending", null]]);
  await desk.syncNow();
  const refused = ["update", 12, "failed_permanently", "the score is over the total"];
  await kept(first.id, [["create", 8, "synced", null], refused]);
  await desk.update("student_ecr_item_scores", first.id, { score: 9 });
  await desk.syncNow();
  const replaced = ["update", 12, "replaced", refused[3]];
  await kept(first.id, [["create", 8, "synced", null], replaced, ["update", 9, "synced", null]]);
  await desk.delete("student_ecr_item_scores", first.id);
  await desk.syncNow();
  await kept(first.id, [["create", 8, "synced", null], replaced, ["update", 9, "synced", null], ["delete", undefined, "synced", null]]);
  const all = await desk.page.evaluate(rowsOf, ["journal", "rows"]);
  assert.ok(all.every(({ status, syncedAt }) => (status === "synced") === syncedAt > 0));
});

/** The journal of a page of the documentation, as a module for a page whose sync is a global. */
async function journalOf(page) {
  const block = (await blocks(page)).find(({ text }) => text.includes('new Dexie("journal")'));
  return block.text.replace("let last: Promise<unknown>", "let last");
}

/** Reads the journal until it tells of a record what it should: nobody is told when a row was written. */
async function journalled(page, id, wanted) {
  const end = Date.now() + DEADLINE_MS;
  const read = async () => (await page.evaluate(rowsOf, ["journal", "rows"]))
    .filter((row) => row.id === id).map(({ operation, data, status, error }) => [operation, data?.score, status, error]);
  let seen = await read();
  while (!isDeepStrictEqual(seen, wanted) && Date.now() < end) seen = await read();
  assert.deepEqual(seen, wanted);
}

gradebook("G2, G6: tried after 1, 2, 4, 8, 16, 32, then 60 seconds, ten times; then failed for good, told, and retried by hand", async ({ device, answers }) => {
  const desk = await device();
  const { first } = await begin(desk);
  await desk.page.workers()[0].evaluate(() => {
    const now = Date.now.bind(Date);
    globalThis.ahead = 0;
    Date.now = () => now() + ahead;
  });
  // The backend says nothing of what it was sent.
  answers(({ method, path }) => (method === "POST" && path === SCORES ? { body: { synced: [], conflicts: [], errors: [] } } : undefined));
  const delays = [];
  for (let attempt = 1; attempt <= 10; attempt++) {
    await desk.syncNow();
    const [change] = await desk.run(() => sync.entities.student_ecr_item_scores.pending());
    assert.equal(change.attempts, attempt);
    delays.push(change.nextTryAt === null ? change.state : (change.nextTryAt - change.lastAttemptAt) / 1000);
    await desk.page.workers()[0].evaluate(() => { ahead += 61_000; });
  }
  assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60, "failed_permanently"]);
  const [failure] = await desk.run(() => sync.failures.list());
  assert.deepEqual([failure.id, failure.code, failure.attempts], [first.id, "no_result", 10]);
  assert.ok(await desk.run(() => events.some(({ type }) => type === "failure")), "the user is told");
  assert.equal((await desk.status()).failed, 1);

  answers(() => undefined);
  await desk.syncNow();
  assert.equal((await desk.status()).failed, 1, "it is not tried by itself any more");
  assert.equal(await desk.run(() => sync.failures.retryAll()), 1);
  await desk.syncNow();
  assert.equal((await desk.statusOf("student_ecr_item_scores", first.id)).state, "synced");
});

gradebook("G3, G15: a conflict is listed with both copies and settled by choice: local, server, merged, or all at once", async ({ server, device, entities }) => {
  const manual = Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { ...entity, conflicts: "manual" }]));
  const [desk, home] = [await device({ entities: manual }), await device()];
  const { score } = await begin(desk);
  const ids = (await desk.bulkPut("student_ecr_item_scores", [1, 2, 3, 4, 5].map((number) => score({ item: `Quiz ${number}` })))).map(({ id }) => id);
  await desk.syncNow();
  await home.syncNow();
  for (const id of ids) {
    await home.update("student_ecr_item_scores", id, { score: 5 });
    await desk.update("student_ecr_item_scores", id, { score: 9 });
  }
  await home.syncNow();
  await desk.syncNow();
  const conflicts = await desk.run(() => sync.conflicts.list());
  assert.equal(conflicts.length, 5);
  const one = conflicts.find(({ id }) => id === ids[0]);
  assert.deepEqual([one.local.score, one.remote.score], [9, 5]);

  await desk.run(async ([local, remote, merged]) => {
    const name = "student_ecr_item_scores";
    await sync.conflicts.resolve(name, local, { keep: "local" });
    await sync.conflicts.resolve(name, remote, { keep: "remote" });
    const { student_id, subject_id, item, total } = await sync.entities[name].get(merged);
    await sync.conflicts.resolve(name, merged, { merged: { student_id, subject_id, item, total, score: 7 } });
  }, ids);
  assert.equal(await desk.run(() => sync.conflicts.resolveAll("remote")), 2);
  await desk.syncNow();
  await home.syncNow();
  const rows = await server.rows(SCORES);
  assert.deepEqual(ids.map((id) => rows.get(id).score), [9, 5, 7, 5, 5]);
  const seen = new Map((await home.list("student_ecr_item_scores")).map(({ id, score: points }) => [id, points]));
  assert.deepEqual(ids.map((id) => seen.get(id)), [9, 5, 7, 5, 5]);
  assert.deepEqual((await desk.status()).conflicts, 0);
});

gradebook("G4, G8: the state shows that the backend is away and back, and a round begins by itself", async ({ server, device }) => {
  const desk = await device({ autoStart: true, intervalMs: 1000 });
  await desk.until({ state: "idle" });
  await server.stop();
  await desk.until({ state: "offline" });
  assert.equal(await desk.run(() => navigator.onLine), true, "the browser believes otherwise");
  const { first } = await begin(desk);
  await server.start();
  await desk.until({ state: "idle", pending: 0 });
  assert.ok((await server.rows(SCORES)).has(first.id));
  const other = { ...(await server.rows(SCORES)).get(first.id), id: "from-elsewhere", item: "Quiz 2" };
  await server.request(SCORES, [other]);
  await desk.run(() => new Promise((resolve) => {
    const look = async () => (await sync.entities.student_ecr_item_scores.get("from-elsewhere")) && (stop(), resolve());
    const stop = sync.on("change", look);
    void look();
  }));
});

gradebook("G5, G15: large syncs go in chunks of 50, one at a time, and after a drop only the rest is sent", async ({ server, device, answers, scores }) => {
  const desk = await device();
  const { score } = await begin(desk);
  await desk.syncNow();
  scores.length = 0;
  await desk.bulkPut("student_ecr_item_scores", Array.from({ length: 170 }, (_, number) => score({ item: `Item ${number}` })));
  let chunks = 0;
  answers(({ method, path }) => (method === "POST" && path === SCORES && ++chunks > 2 ? { body: "{", cutAt: 0 } : undefined));
  assert.equal((await desk.attempt(() => sync.syncNow())).code, "network");
  assert.deepEqual([scores, (await desk.status()).pending], [[50, 50, 50], 70]);
  assert.equal((await server.rows(SCORES)).size, 101);
  scores.length = 0;
  answers(() => undefined);
  await desk.syncNow();
  assert.deepEqual([scores, (await server.rows(SCORES)).size], [[50, 20], 171]);
});

gradebook("G8, G15: an edit made while its record is on its way is queued and goes next", async ({ server, device, answers, scores }) => {
  const desk = await device();
  const { first } = await begin(desk);
  let release;
  let arrived;
  const isHeld = new Promise((resolve) => { arrived = resolve; });
  const held = new Promise((resolve) => { release = resolve; });
  answers(({ method, path }) => (method === "POST" && path === SCORES ? (arrived(), held) : undefined));
  const round = desk.syncNow();
  await isHeld;
  await desk.update("student_ecr_item_scores", first.id, { score: 10 });
  answers(() => undefined);
  release();
  await round;
  await desk.syncNow();
  assert.equal((await server.rows(SCORES)).get(first.id).score, 10);
  assert.deepEqual([scores, (await desk.status()).pending], [[1, 1], 0]);
});

gradebook("G10: required fields, types and ranges are checked before a push, and a missing student is downloaded first", async ({ server, device }) => {
  const [desk, home] = [await device(), await device()];
  const { student, subject, score } = await begin(desk);
  for (const [what, fields] of Object.entries({ required: { item: undefined }, type: { score: "8" }, range: { total: 0 } })) {
    const given = Object.fromEntries(Object.entries({ ...score(), ...fields }).filter(([, value]) => value !== undefined));
    const refused = await desk.attempt((record) => sync.entities.student_ecr_item_scores.put(record), given);
    assert.deepEqual([refused.code, refused.typed], ["invalid", true], what);
  }
  // Known by its id alone: the class list was never here.
  const grade = { student_id: student.id, subject_id: subject.id, quarter: 2, grade: 75 };
  await home.put("student_running_grades", grade);
  await desk.syncNow();
  assert.equal((await home.syncNow()).pushed, 1);
  assert.equal((await home.read("students", student.id)).name, "Pupil 1");
  const nobody = await home.put("student_running_grades", { ...grade, student_id: "nobody" });
  await home.syncNow();
  assert.equal((await home.statusOf("student_running_grades", nobody.id)).error.code, "missing_reference");
  assert.equal((await server.rows("/api/desktop/sync/running-grades")).size, 1);
});

gradebook("G11: what the backend refuses stays with its message, to be corrected or dropped", async ({ server, device }) => {
  const desk = await device();
  const { first, score } = await begin(desk, { score: 12 });
  const second = await desk.put("student_ecr_item_scores", score({ score: 11 }));
  const fine = await desk.put("student_ecr_item_scores", score({ item: "Quiz 2" }));
  await desk.syncNow();
  const failures = await desk.run(() => sync.failures.list());
  assert.deepEqual(failures.map(({ message }) => message), ["the score is over the total", "the score is over the total"]);
  assert.equal((await desk.read("student_ecr_item_scores", first.id)).score, 12, "the edit is kept");
  assert.ok((await server.rows(SCORES)).has(fine.id), "the others of its chunk are stored");
  await desk.update("student_ecr_item_scores", first.id, { score: 10 });
  await desk.run((id) => sync.failures.discard("student_ecr_item_scores", id), second.id);
  await desk.syncNow();
  assert.equal((await server.rows(SCORES)).get(first.id).score, 10);
  assert.deepEqual([await desk.read("student_ecr_item_scores", second.id), (await desk.status()).failed], [undefined, 0]);
});

gradebook("G14: an answer of 5xx is tried again, one of 4xx is told and not repeated", async ({ server, device, answers, scores }) => {
  const desk = await device();
  const { first } = await begin(desk);
  answers(({ method }) => (method === "POST" ? { status: 503, body: {} } : undefined));
  const busy = await desk.attempt(() => sync.syncNow());
  assert.deepEqual([busy.code, busy.retryable], ["backend", true]);
  answers(({ method, path }) => (method === "POST" && path === SCORES ? { status: 422, body: {} } : undefined));
  await desk.syncNow();
  const [{ id, code }] = await desk.run(() => sync.failures.list());
  assert.deepEqual([id, code, (await desk.statusOf("student_ecr_item_scores", id)).state], [first.id, "refused", "failed_permanently"]);
  answers(() => undefined);
  scores.length = 0;
  await desk.syncNow();
  assert.deepEqual([scores, (await server.rows(SCORES)).size], [[], 0]);
});

gradebook("G15: many rapid edits of one record go as one, and a long time offline ends in one sync", async ({ server, device, scores }) => {
  const [desk, home] = [await device(), await device()];
  const { first, score } = await begin(desk);
  await desk.syncNow();
  scores.length = 0;
  await server.stop();
  await desk.run(async (id) => {
    for (let points = 0; points <= 10; points++) await sync.entities.student_ecr_item_scores.update(id, { score: points });
  }, first.id);
  await desk.bulkPut("student_ecr_item_scores", Array.from({ length: 1000 }, (_, number) => score({ item: `Item ${number}` })));
  await server.start();
  assert.equal((await desk.syncNow()).pushed, 1001);
  assert.equal(scores.length, 21);
  assert.equal((await server.rows(SCORES)).get(first.id).score, 10);
  assert.equal((await home.syncNow()).pulled, 1003);
});

const onServer = system("gradebook", { options: { backend: { url: "/", style: "changeset", gzip: true, batchRecords: 100 } } });

onServer("G13: large bodies go as gzip, and compressed answers are taken", async ({ server, front, device }) => {
  const bodies = [];
  front.answer = (request) => {
    if (request.path === "/v1/sync/upload") bodies.push([request.headers["content-encoding"], request.body.length]);
    return bareAnswer(request);
  };
  const desk = await device();
  const { score } = await begin(desk);
  await desk.bulkPut("student_ecr_item_scores", Array.from({ length: 97 }, (_, number) => score({ item: `Item ${number}` })));
  await desk.syncNow();
  assert.equal(bodies[0][0], "gzip");
  assert.ok(bodies[0][1] < 10_000, `${bodies[0][1]} bytes for 100 records`);
  const answer = await fetch(new URL("/v1/sync/download", server.url), {
    method: "POST", body: JSON.stringify({ device_id: crypto.randomUUID() }),
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json", "x-sync-protocol": "1", "accept-encoding": "gzip" },
  });
  assert.equal(answer.headers.get("content-encoding"), "gzip");
  assert.equal((await answer.json()).changes.length, 100);
});
