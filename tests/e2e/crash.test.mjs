// Kills the browser's processes in the middle of pulls and pushes, opens the profile again, and looks at what is left.
// Invariants I2 to I5 and I8 on a real disk. `LASTWORD_KILL_ROUNDS` sets how often, `LASTWORD_KILL_SEED` where.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { openVictim } from "./victim.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

const ROUNDS = Number(process.env.LASTWORD_KILL_ROUNDS ?? 50);
const PACKED_ROUNDS = Math.ceil(ROUNDS / 4);
const SEED = Number(process.env.LASTWORD_KILL_SEED ?? 1);
const ENTITY = "workout-logs";
const PAGE_RECORDS = 20;

test(`a browser killed at ${ROUNDS} points of pull and push loses nothing and repeats nothing`, { timeout: deadline(ROUNDS) }, (t) =>
  manyLives(t, ROUNDS, "rows"));

test(`nor at ${PACKED_ROUNDS} points where rows are packed`, { timeout: deadline(PACKED_ROUNDS) }, (t) => manyLives(t, PACKED_ROUNDS, "packed"));

async function manyLives(t, rounds, layout) {
  const server = await startServer();
  const front = await startProxy(() => server.url);
  const victim = await openVictim();
  const world = { layout, server, front, victim, random: randomOf(SEED), known: new Map(), tried: new Map(), kills: { GET: 0, POST: 0 }, dropped: 0 };
  try {
    for (let round = 0; round < rounds; round++) {
      await oneLife(world, round).catch((error) => {
        throw new Error(`round ${round} of seed ${SEED}: ${error.message}`, { cause: error });
      });
    }
    await lastLife(world);
    assert.ok(world.kills.GET > 0 && world.kills.POST > 0, "kills met both pulls and pushes");
    assert.ok(world.dropped <= rounds / 3, `the browser dropped its database ${world.dropped} times: too often to show anything`);
    t.diagnostic(`kills: ${JSON.stringify(world.kills)}; databases dropped by the browser: ${world.dropped}`);
  } finally {
    await victim.close();
    await front.close();
    await server.close();
  }
}

function deadline(rounds) {
  return rounds * 30_000 + 60_000;
}

/** Opens the profile, checks what the kill before left, edits and syncs while another device does too, and is killed. */
async function oneLife(world, round) {
  const { victim, random } = world;
  const page = await open(world);
  await checkStored(world, page);
  const killed = killAt(world, random);
  await page.exposeBinding("attempt", (_source, ids) => ids.forEach((id) => attempt(world, id)));
  await page.exposeBinding("stored", (_source, copies) => copies.forEach((copy) => note(world, copy)));
  const ends = page.evaluate(edit, { round, seed: random() * 2 ** 32 }).catch(() => "killed");
  await Promise.all([killed, ends, elsewhere(world, round)]);
  await victim.died();
  assert.equal(await ends, "killed");
}

/** Nothing is killed any more: everything becomes equal. */
async function lastLife(world) {
  const page = await open(world);
  await checkStored(world, page);
  await page.evaluate(async () => {
    await sync.start();
    await sync.syncNow();
    // What the first round acknowledged is confirmed by the second.
    await sync.syncNow();
  });
  const { list, pending, failures, conflicts } = await page.evaluate(async () => ({
    list: await logs.list({ includeDeleted: true }), pending: await sync.pending(), failures: await sync.failures.list(),
    conflicts: await sync.conflicts.list(),
  }));
  assert.deepEqual([pending, failures, conflicts], [[], [], []]);
  const backend = await world.server.records(ENTITY);
  assert.deepEqual(summary(list), summary([...backend.values()]), "replica and backend are equal");
  for (const [id, copies] of world.known) {
    const newest = copies.reduce((a, b) => (b.clientUpdatedAt > a.clientUpdatedAt ? b : a));
    const left = backend.get(id);
    assert.ok(left && left.clientUpdatedAt >= newest.clientUpdatedAt, `${id} is no older than what was stored or acknowledged`);
    if (left.clientUpdatedAt === newest.clientUpdatedAt) assert.equal(content(left), content(newest), id);
    assert.ok(left.version <= world.tried.get(id), `${id}: version ${left.version} of ${world.tried.get(id)} edits: no body counted twice`);
  }
}

/** A page with an open replica that does not sync yet. */
async function open({ layout, victim, front, server }) {
  front.answer = bareAnswer;
  const context = await victim.start();
  const page = await openBare(context, front.url);
  await page.evaluate(async ([token, pageRecords, layout]) => {
    globalThis.sync = await createSync({
      database: "crash", entities: { "workout-logs": { layout } }, backend: { url: "/", pageRecords }, token, autoStart: false, debounceMs: 0,
    });
    globalThis.logs = sync.entities["workout-logs"];
  }, [server.key, PAGE_RECORDS, layout]);
  return page;
}

/** What a kill left: no stored edit is gone, and every record that the checkpoint covers is there. */
async function checkStored(world, page) {
  const { server, known, victim } = world;
  const stored = new Map((await page.evaluate(() => logs.list({ includeDeleted: true }))).map((row) => [row.id, row]));
  const wrote = [...known.values()].flat().some(({ source }) => source === "here");
  if (wrote && stored.size === 0) {
    assert.ok(await victim.dropped(), "all rows are gone, and the browser did not say that it dropped them");
    return forget(world);
  }
  for (const [id, copies] of known) {
    for (const copy of copies) {
      if (copy.source !== "here" || stored.get(id)?.clientUpdatedAt >= copy.clientUpdatedAt) continue;
      const backend = (await server.records(ENTITY)).get(id);
      assert.fail(`an edit was stored and is gone: ${JSON.stringify({ copy, stored: stored.get(id), backend, copies })}`);
    }
  }
  const cursor = await page.evaluate(cursorOf, ["crash", ENTITY]);
  if (!cursor) return;
  const beyond = await server.records(ENTITY, cursor);
  for (const [id, { clientUpdatedAt }] of await server.records(ENTITY)) {
    if (beyond.has(id)) continue;
    assert.ok(stored.get(id)?.clientUpdatedAt >= clientUpdatedAt, `the checkpoint covers ${id} at ${clientUpdatedAt}, which is not there`);
  }
}

/** The browser threw the database away: what the backend has not got is lost, and nobody's fault but the browser's. */
async function forget(world) {
  world.dropped += 1;
  const backend = await world.server.records(ENTITY);
  for (const [id, copies] of world.known) {
    const reached = copies.filter(({ source, clientUpdatedAt }) => source !== "here" || clientUpdatedAt <= backend.get(id)?.clientUpdatedAt);
    world.known.set(id, reached.map((copy) => ({ ...copy, source: "backend" })));
    if (reached.length === 0) world.known.delete(id);
  }
}

/** Resolves when the browser was killed, at a random moment of a random request. */
function killAt(world, random) {
  const { front, server, victim } = world;
  const method = random() < 0.5 ? "GET" : "POST";
  const at = Math.floor(random() * 4);
  const moment = ["request", "answer", "cut", "later", "later"][Math.floor(random() * 5)];
  const delay = random() * 40;
  const part = random();
  return new Promise((resolve) => {
    let requests = 0;
    front.answer = async (request) => {
      if (!request.path.startsWith("/api/v1/workout-logs")) return bareAnswer(request);
      if (request.method !== method || requests++ !== at) return undefined;
      world.kills[method] += 1;
      const kill = () => {
        victim.kill();
        resolve();
      };
      if (moment === "request") {
        kill();
        return new Promise(() => {});
      }
      const answer = await onward(server, request);
      if (moment === "later") setTimeout(kill, delay);
      else kill();
      return moment === "cut" ? { ...answer, cutAt: Math.floor(part * answer.body.length) } : answer;
    };
  });
}

/** Passes a request on; the backend has committed when this resolves. */
async function onward(server, { method, url, headers, body }) {
  const answer = await fetch(new URL(url, server.url), {
    method, headers: { ...headers, "accept-encoding": "identity" }, ...(method === "POST" ? { body } : {}),
  });
  return { status: answer.status, headers: { "content-type": "application/json" }, body: Buffer.from(await answer.arrayBuffer()) };
}

/** Another device: new records, more than a page, and edits of old ones. */
async function elsewhere(world, round) {
  const { server, random, known } = world;
  const old = [...known.keys()].filter(() => random() < 0.1).slice(0, 20);
  const fresh = Array.from({ length: Math.floor(random() * 3 * PAGE_RECORDS) }, (_, n) => `elsewhere-${round}-${n}`);
  const now = Date.now();
  const records = [...old, ...fresh].map((id) => ({
    id, clientCreatedAt: now, clientUpdatedAt: now + Math.floor(random() * 200), isDeleted: false,
    exercise: "Squat", performedAt: now, sets: [{ reps: 5, weight: 100 }], note: `elsewhere ${round}`,
  }));
  if (records.length === 0) return;
  for (const { id } of records) attempt(world, id);
  const results = await server.push(ENTITY, records);
  results.forEach(({ status }, n) => {
    if (status === "applied") note(world, { ...records[n], source: "elsewhere" });
  });
}

/** Runs in the page: writes and syncs until it is killed, telling each edit before it is made and after it is stored. */
async function edit({ round, seed }) {
  const random = () => {
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
  const log = (note) => ({ exercise: "Bench press", performedAt: Date.now(), sets: [{ reps: 5, weight: 60 }], note });
  const mine = (await logs.list()).map(({ id }) => id);
  await sync.start();
  for (let n = 0; ; n++) {
    const kind = random();
    // Half of the edits meet the newest records, which are on their way out.
    const from = random() < 0.5 ? Math.max(0, mine.length - 3) : 0;
    const known = mine[from + Math.floor(random() * (mine.length - from))];
    const content = `here ${round} ${n}`;
    if (kind < 0.2 || !known) {
      const drafts = Array.from({ length: 1 + Math.floor(random() * 10) }, (_, m) => ({ id: `here-${round}-${n}-${m}`, ...log(content) }));
      await attempt(drafts.map(({ id }) => id));
      await stored(await logs.bulkPut(drafts));
      mine.push(...drafts.map(({ id }) => id));
    } else if (kind < 0.9) {
      await attempt([known]);
      await stored([await logs.put({ id: known, ...log(content) })]);
    } else {
      await attempt([known]);
      await logs.delete(known);
      await stored((await logs.list({ includeDeleted: true })).filter(({ id }) => id === known));
    }
    if (random() < 0.3) await sync.syncNow().catch(() => {});
  }
}

/** Runs in the page: the stored cursor of an entity. */
function cursorOf([database, entity]) {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(database);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const read = open.result.transaction("_lastword_meta").objectStore("_lastword_meta").get(`scope:${entity}`);
      read.onerror = () => reject(read.error);
      read.onsuccess = () => {
        open.result.close();
        resolve(read.result?.value.cursor);
      };
    };
  });
}

/** A copy that was stored here, or that the backend acknowledged to the other device. */
function note({ known }, { source = "here", ...copy }) {
  const copies = known.get(copy.id) ?? [];
  known.set(copy.id, [...copies, { source, ...copy }]);
}

function attempt({ tried }, id) {
  tried.set(id, (tried.get(id) ?? 0) + 1);
}

function summary(rows) {
  return rows.map((row) => [row.id, row.clientUpdatedAt, content(row)]).sort();
}

/** What a person sees of a record. */
function content({ isDeleted, note }) {
  return isDeleted ? "deleted" : note;
}

/** Numbers in [0, 1) from a seed: mulberry32. */
function randomOf(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
