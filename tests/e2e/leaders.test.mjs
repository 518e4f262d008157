// Four tabs of one database, and the one that leads is lost in the middle of a push: the others go on, nothing is stored twice.
import assert from "node:assert/strict";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { freeze, openFreezable } from "./freezing.mjs";
import { scenario } from "./world.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";
const ENTITIES = { [ENTITY]: { ...file.entities[ENTITY], references: {} } };

/** A test with a way to open tabs. Nothing is synced but after an edit or on request. */
function tabs(name, body) {
  scenario(name, async (world) => {
    const front = await world.proxy();
    front.answer = bareAnswer;
    const profile = await openFreezable();
    try {
      const open = async () => {
        const page = await openBare(profile.context, front.url);
        await page.evaluate(async ([entities, token]) => {
          globalThis.sync = await createSync({ database: "app", entities, backend: { url: "/" }, token, intervalMs: 86_400_000, debounceMs: 0 });
          globalThis.logs = sync.entities["workout-logs"];
          globalThis.until = (test) => new Promise((resolve) => {
            const look = () => test(sync.getSnapshot()) && (stop(), resolve(sync.getSnapshot()));
            const stop = sync.subscribe(look);
            look();
          });
        }, [ENTITIES, world.server.key]);
        await page.evaluate(() => until((status) => status.lastSyncAt && status.state === "idle"));
        return page;
      };
      const write = (page, exercise) => page.evaluate(async (exercise) => (await logs.put({ exercise, performedAt: 1, sets: [{ reps: 5, weight: 100 }] })).id, exercise);
      await body({ ...world, front, profile, open, write });
    } finally {
      await profile.close();
    }
  });
}

const stored = async (server) => [...(await server.records(ENTITY)).values()].map(({ exercise, version }) => [exercise, version]).sort();
const isDone = () => until((status) => status.pending === 0 && status.state === "idle");

/** Stores the next push and keeps its answer back. Resolves with a function that lets the answer go. */
function holdPush(front, server, bodies) {
  return new Promise((resolve) => {
    front.answer = async (request) => {
      if (request.method !== "POST") return bareAnswer(request);
      bodies.push(request.body.toString());
      if (bodies.length > 1) return undefined;
      const answer = await fetch(new URL(request.url, server.url), { method: "POST", headers: request.headers, body: request.body });
      const body = await answer.text();
      return new Promise((give) => resolve(() => give({ status: answer.status, body })));
    };
  });
}

const LOSSES = {
  closes: (leader) => leader.close(),
  crashes: async (leader) => {
    const protocol = await leader.context().newCDPSession(leader);
    const crashed = new Promise((resolve) => leader.once("crash", resolve));
    protocol.send("Page.crash").catch(() => {});
    await crashed;
  },
  "is frozen": (leader, other) => freeze(leader, other, "app"),
};

for (const [loss, lose] of Object.entries(LOSSES)) {
  tabs(`when the leader of four tabs ${loss} in the middle of a push, another sends the same body again`, async ({ server, front, open, write }) => {
    const leader = await open();
    const others = [await open(), await open(), await open()];
    assert.equal(await leader.evaluate(() => sync.getSnapshot().leader), true);
    const bodies = [];
    const held = holdPush(front, server, bodies);
    await write(others[1], "Squat");
    const release = await held;
    await lose(leader, others[0]);
    for (const page of others) await page.evaluate(isDone);
    const leads = await Promise.all(others.map((page) => page.evaluate(() => sync.getSnapshot().leader)));
    assert.equal(leads.filter(Boolean).length, 1);
    assert.deepEqual(bodies, [bodies[0], bodies[0]]);
    // An answer that comes too late changes nothing.
    release();
    const id = await write(others[2], "Bench");
    await others[2].evaluate((id) => logs.whenSynced(id), id);
    assert.deepEqual(await stored(server), [["Bench", 1], ["Squat", 1]]);
  });
}

tabs("a frozen leader that comes back follows, and its edits go out by the new leader", async ({ server, front, open, write }) => {
  const first = await open();
  const second = await open();
  const bodies = [];
  const held = holdPush(front, server, bodies);
  await write(first, "Squat");
  const release = await held;
  const thaw = await freeze(first, second, "app");
  await second.evaluate(() => until((status) => status.leader && status.pending === 0 && status.state === "idle"));
  release();
  await thaw();
  const id = await write(first, "Bench");
  await first.evaluate((id) => logs.whenSynced(id), id);
  await first.evaluate(() => until((status) => !status.leader && status.state === "idle"));
  assert.equal(await second.evaluate(() => sync.getSnapshot().leader), true);
  assert.deepEqual(await stored(server), [["Bench", 1], ["Squat", 1]]);
});

tabs("a lead that is held by a tab which never answers is taken from it", async ({ server, front, profile, open, write }) => {
  const stuck = await openBare(profile.context, front.url);
  await stuck.evaluate(() => new Promise((resolve) => {
    void navigator.locks.request("lastword:app", () => {
      resolve();
      return new Promise(() => {});
    }).catch(() => {});
  }));
  const page = await openBare(profile.context, front.url);
  await page.evaluate(async ([entities, token]) => {
    globalThis.sync = await createSync({ database: "app", entities, backend: { url: "/" }, token });
    await sync.entities["workout-logs"].put({ exercise: "Squat", performedAt: 1, sets: [{ reps: 5, weight: 100 }] });
    await sync.syncNow();
  }, [ENTITIES, server.key]);
  assert.deepEqual(await stored(server), [["Squat", 1]]);
});
