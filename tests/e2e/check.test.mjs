// `lastword check`: what it says of two backends that keep their promises, and of one that breaks each of them in turn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../docs/blocks.mjs";
import { BREAKS, bend } from "./check-breaks.mjs";
import { withBackend } from "./example-backend.mjs";
import { MOODS, ownBackend } from "./own-backend.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

const TEST_MAX_MS = 120_000;
const ORIGIN = "https://app.example.com";
const ENTITIES = {
  entities: { "workout-logs": { record: { exercise: "Squat", performedAt: 1, sets: [{ reps: 5, weight: 100 }] }, invalid: { exercise: 5 } } },
};
let folder;
let server;
let file;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lastword-check-"));
  file = join(folder, "entities.json");
  await writeFile(file, JSON.stringify(ENTITIES));
  server = await startServer({ flags: ["--cors-origin", ORIGIN] });
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

for (const style of ["resource", "changeset"]) {
  test(`lastword-server keeps every promise, in style ${style}`, { timeout: TEST_MAX_MS }, async () => {
    const { code, told } = await check(server.url, ["--style", style, "--entities", file, "--token", server.key, "--origin", ORIGIN]);
    assert.deepEqual(outcomes(told, (outcome) => outcome !== "kept"), { users: "skipped" });
    assert.equal(code, 0);
  });
}

test("the example backend keeps every promise, and offers what its guide says", { timeout: TEST_MAX_MS }, async () => {
  await withBackend(async (url) => {
    const tasks = join(folder, "tasks.json");
    await writeFile(tasks, JSON.stringify({ entities: { tasks: { record: { title: "Water the plants" }, invalid: {} } } }));
    const options = ["--entities", tasks, "--token", "user-1", "--other-token", "user-2", "--origin", ORIGIN];
    const { code, told } = await check(url, options);
    assert.deepEqual(outcomes(told, (outcome) => outcome !== "kept"), { upTo: "broken", epoch: "broken", gzip: "broken", upgrade: "broken" });
    assert.equal(code, 0);

    const { stdout } = await run([url, ...options]);
    assert.match(stdout, /ok {6}stale/);
    assert.match(stdout, /every promise that data depends on is kept/);
  });
});

test("a backend of other names, ISO times and no cursors is asked what can be asked of one", { timeout: TEST_MAX_MS }, async () => {
  const backend = ownBackend();
  const front = await startProxy(() => front.url);
  front.answer = (request) => (request.headers["content-encoding"] ? { status: 415 } : backend.answer(request)) ?? { status: 404 };
  try {
    const moods = join(folder, "moods.json");
    await writeFile(moods, JSON.stringify({ entities: { moods: { ...MOODS, record: { mood: 4 } } }, backend: { since: "time" } }));
    const { code, told } = await check(front.url, ["--entities", moods]);
    const of = (level) => outcomes({ results: told.results.filter((result) => result.level === level) }, (outcome) => outcome !== "kept");
    // It looks at no key: a repeat is a push of its own, which has become the older copy.
    assert.deepEqual(of("must"), { token: "skipped", harm: "skipped", repeat: "broken", pages: "skipped", cursor: "skipped", users: "skipped" });
    assert.equal(code, 1);
  } finally {
    await front.close();
  }
});

for (const [id, breaks] of Object.entries(BREAKS)) {
  test(`a backend that breaks the promise \`${id}\` is told so`, { timeout: TEST_MAX_MS }, async () => {
    const proxy = await startProxy(() => server.url);
    proxy.answer = bend(() => server.url, breaks());
    try {
      const options = ["--entities", file, "--token", server.key, "--other-token", `${server.key}x`, "--origin", ORIGIN, "--only", id];
      const { code, told } = await check(proxy.url, options);
      const result = told.results.find((result) => result.id === id);
      assert.equal(result.outcome, "broken", JSON.stringify(result));
      // A token that nobody has is answered 401 by a backend that looks at it.
      assert.match(result.reason, id === "users" ? /comes to the other one/ : /./);
      assert.equal(code, told.broken > 0 ? 1 : 0);
      assert.equal(told.broken, told.results.filter(({ level, outcome }) => level === "must" && outcome === "broken").length);
    } finally {
      await proxy.close();
    }
  });
}

test("each promise that can be broken has its test, and its place in the docs", async () => {
  const { told } = await check(server.url, ["--entities", file, "--token", server.key]);
  const page = await readFile(join(ROOT, "docs/check.md"), "utf8");
  for (const { level, id } of told.results) {
    if (level !== "offer") assert.ok(BREAKS[id], `no test breaks \`${id}\``);
    assert.ok(page.includes(`\`${id}\``), `docs/check.md does not name \`${id}\``);
  }
});

test("a command line that cannot be followed ends with 2 and a sentence", async () => {
  const cases = [
    [[], /base URL/], [["http://api.example.com", "--entity", "a"], /https/], [[server.url], /name an entity/],
    [[server.url, "--entity", "a", "--style", "soap"], /no style/], [[server.url, "--entities", "none.json"], /cannot read/],
    [[server.url, "--entity", "a", "--tokn", "x"], /--tokn/], [[server.url, "--entity", "a", "--only", "x"], /no promise/], [[server.url, "--entity", "a", "--record", "{"], /JSON/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  }
});

/** Runs the check and reads its JSON. */
async function check(url, options) {
  const { code, stdout, stderr } = await run([url, ...options, "--json"]);
  assert.ok(stdout, stderr);
  return { code, told: JSON.parse(stdout) };
}

async function run(args) {
  const program = join(ROOT, "pkg/bin/lastword.mjs");
  const ended = await promisify(execFile)(process.execPath, [program, "check", ...args], { maxBuffer: 1 << 24 }).catch((error) => error);
  return { code: ended.code ?? 0, stdout: ended.stdout, stderr: ended.stderr };
}

/** The outcomes that `wanted` picks, by id. */
function outcomes(told, wanted) {
  return Object.fromEntries(told.results.filter(({ outcome }) => wanted(outcome)).map(({ id, outcome }) => [id, outcome]));
}
