// Counts what lastword asks of IndexedDB and of the network, and fails where that is more than bench/counts-budget.json
// allows. Never looks at a time: a busy machine changes nothing here.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BENCH, FOLDERS, bundle } from "./harness/build.mjs";
import { TEN } from "./harness/stories.mjs";
import { Story } from "./harness/story.mjs";
import { newProfile } from "./harness/browser.mjs";
import { startBackend } from "./backend/server.mjs";

const BUDGET = join(BENCH, "counts-budget.json");
const { values: options } = parseArgs({ options: { record: { type: "boolean" }, only: { type: "string" } } });
const ROWS = 1_000;
const SPARE = { gets: 20, ranges: 40, puts: 4, deletes: 4, transactions: 12, requests: 4 };
const contenders = options.only ? [options.only] : ["lastword", "lastword-attached", "lastword-packed"];

setTimeout(() => {
  console.error("not done after 10 minutes");
  process.exit(1);
}, 600_000).unref();
await bundle(contenders);
const backend = await startBackend(FOLDERS);
const measured = {};
for (const contender of contenders) measured[contender] = await countAll(contender);
await backend.close();

if (options.record) await writeFile(BUDGET, `${JSON.stringify(budgetOf(measured), null, 1)}\n`);
const budget = JSON.parse(await readFile(BUDGET, "utf8"));
const over = Object.entries(measured).flatMap(([contender, workloads]) => Object.entries(workloads).flatMap(([workload, counts]) => {
  const allowed = budget[contender]?.[workload] ?? {};
  return Object.entries(counts).filter(([kind, count]) => !(count <= allowed[kind]))
    .map(([kind, count]) => `${contender}, ${workload}: ${count} ${kind}, at most ${allowed[kind]}`);
}));
for (const line of over) console.error(`over bench/counts-budget.json: ${line}`);
process.exitCode = over.length > 0 ? 1 : 0;

/** Every workload of one contender, each on the rows that the one before it left. */
async function countAll(contender) {
  const counted = {};
  await onNewProfile(contender, { each: 0 }, async (story) => {
    const count = async (workload) => (counted[workload] = await countSync(story, contender, workload));
    // The round with which syncing starts is mostly joined: what is counted is asked for by one call each.
    await countSync(story, contender, "first");
    for (let n = 0; n < ROWS; n++) story.session.update("logs", n, 0);
    await count(`pull ${ROWS}`);
    await count("no-op");
    // Not the records that another device writes below: its stamps are older than these.
    await story.edit({ from: 2, count: 100, step: 10, revision: 3 });
    await count("delta 100");
    for (let at = 0; at < 200; at++) story.session.update("logs", 5 + at * 5, 1);
    await story.edit({ from: 5, count: 100, step: 10, revision: 2 });
    await count("merge 200");
    await story.edit({ from: ROWS, count: ROWS, revision: 0 });
    await count(`push ${ROWS}`);
    story.expectAccepted(1_200);
    await story.expect(2 * ROWS, { 2: 3, 5: 2, 10: 1, [ROWS]: 0 });
  });
  await onNewProfile(contender, { each: 4 * ROWS }, async (story) => {
    await countSync(story, contender, `pull ${4 * ROWS}`);
    counted[`no-op of ${4 * ROWS} rows`] = await countSync(story, contender, `no-op of ${4 * ROWS} rows`);
    await story.edit({ from: 0, count: 100, step: 40, revision: 3 });
    counted[`delta 100 of ${4 * ROWS} rows`] = await countSync(story, contender, `delta 100 of ${4 * ROWS} rows`);
  });
  await onNewProfile(contender, { each: 100, entities: TEN }, async (story) => {
    await countSync(story, contender, "pull 10 entities");
    counted["no-op of 10 entities"] = await countSync(story, contender, "no-op of 10 entities");
  });
  return counted;
}

async function onNewProfile(contender, data, tell) {
  const profile = await newProfile();
  const story = new Story({ contender, backend, profile, cells: [] });
  try {
    await story.open({ ...data, counting: true });
    await tell(story);
  } finally {
    await profile.remove().catch(() => {});
  }
}

async function countSync(story, contender, workload) {
  await story.counts();
  const { requests } = await story.sync(workload);
  const counts = byKind(await story.counts(), requests);
  const text = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join(", ");
  console.log(`${contender.padEnd(18)} ${workload.padEnd(22)} ${text}`);
  return counts;
}

function byKind(methods, requests) {
  const sum = (...names) => names.reduce((total, name) => total + (methods[name] ?? 0), 0);
  return {
    gets: sum("get", "getKey", "count"), ranges: sum("getAll", "getAllKeys", "getAllRecords", "openCursor", "openKeyCursor"),
    puts: sum("put", "add"), deletes: sum("delete", "clear"), transactions: sum("transaction"), requests,
  };
}

/** What was counted, a quarter more, and some reads of the status, whose moment is not ours: a reviewer sees it grow. */
function budgetOf(all) {
  const more = (kind, count) => (kind === "requests" ? count : Math.ceil(count * 1.25)) + SPARE[kind];
  const relaxed = (counts) => Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, more(kind, count)]));
  const each = (workloads) => Object.fromEntries(Object.entries(workloads).map(([workload, counts]) => [workload, relaxed(counts)]));
  return Object.fromEntries(Object.entries(all).map(([contender, workloads]) => [contender, each(workloads)]));
}
