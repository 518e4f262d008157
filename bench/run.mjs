// Runs the benchmark and keeps what was measured in bench/results. Never judges it: report/write.mjs reads the file.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { CONTENDERS } from "./contenders/index.mjs";
import { report } from "./report/write.mjs";
import { BENCH, FOLDERS, bundle, weigh } from "./harness/build.mjs";
import { STORIES } from "./harness/stories.mjs";
import { Story, tell } from "./harness/story.mjs";
import { startBackend } from "./backend/server.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" }, report: { type: "boolean" }, more: { type: "boolean" }, rounds: { type: "string" }, only: { type: "string" },
    workload: { type: "string" }, size: { type: "string" }, minutes: { type: "string" }, out: { type: "string" },
  },
});
const [small, large] = (options.size ?? (options.quick ? "1000,4000" : "10000,100000")).split(",").map(Number);
const size = { small, large, growth: options.quick || options.size ? [500] : [1_000, 10_000, 300_000] };
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
// No round begins that, if it took as long as the longest one, would end after this.
const end = options.minutes ? Date.now() + options.minutes * 60_000 : Infinity;
const contenders = chosen(Object.keys(CONTENDERS), options.only).filter(installed);
const stories = chosen(Object.keys(STORIES), options.workload);

await bundle(contenders);
const weights = Object.fromEntries(await Promise.all(contenders.map(async (name) => [name, await weigh(name)])));
const backend = await startBackend(FOLDERS);
const gaveUp = new Set();
const out = options.out ?? join(BENCH, "results", options.quick ? "quick.json" : "full.json");
// Rounds on top of those that the file holds: of the fast contenders, where one round of all takes long.
const kept = options.more ? JSON.parse(readFileSync(out, "utf8")) : { rounds: 0, cells: [] };
if (kept.size && !isDeepStrictEqual(kept.size, size)) throw new Error(`${out} was measured with other sizes`);
const { cells } = kept;
await mkdir(join(BENCH, "results"), { recursive: true });
let longest = 0;
for (let round = kept.rounds + 1; round <= kept.rounds + rounds && Date.now() + longest < end; round++) {
  const start = Date.now();
  for (const story of stories) {
    for (const contender of contenders.filter((name) => tells(name, story))) {
      for (const cell of await tell(STORIES[story], contender, backend, size)) {
        cells.push({ round, contender, ...cell });
        console.log(line(cell, round, contender));
        if (cell.late) gaveUp.add(`${contender}/${story}`);
      }
    }
  }
  // After each round: a run that is stopped keeps those it ended.
  await writeFile(out, `${JSON.stringify({ conditions: conditions(), size, weights: { ...kept.weights, ...weights }, rounds: round, cells }, null, 1)}\n`);
  longest = Math.max(longest, Date.now() - start);
  console.log(`round ${round} took ${Math.round((Date.now() - start) / 1000)} s`);
}
await backend.close();
console.log(`kept in ${out}`);
if (options.report || (!options.quick && !options.out)) await report(out);

/** A story that a contender could not end in its time is not begun again in the next round: one such time is enough. */
function tells(name, story) {
  return (CONTENDERS[name].only?.includes(story) ?? true) && !gaveUp.has(`${name}/${story}`);
}

function installed(name) {
  const missing = (CONTENDERS[name].uses ?? []).filter((used) => version(used) === undefined);
  if (missing.length > 0) console.log(`${CONTENDERS[name].title} is left out: ${CONTENDERS[name].optional ?? `${missing} is not installed`}`);
  return missing.length === 0;
}

function version(name) {
  const folders = [join(BENCH, "node_modules"), join(BENCH, "../node_modules")];
  const found = folders.map((folder) => join(folder, name, "package.json")).find((file) => existsSync(file));
  return found && JSON.parse(readFileSync(found, "utf8")).version;
}

function chosen(all, names) {
  const wanted = names?.split(",") ?? all;
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown) throw new Error(`there is no ${unknown}; there are ${all.join(", ")}`);
  return wanted;
}

function line({ workload, ms, gap, requests, error }, round, contender) {
  const what = error ?? `${ms.toFixed(1).padStart(9)} ms  gap ${gap.toFixed(0).padStart(5)} ms  ${requests} requests`;
  return `${round}  ${contender.padEnd(18)} ${workload.padEnd(24)} ${what}`;
}

function conditions() {
  const [cpu, ...others] = cpus();
  const measured = [...new Set(cells.map(({ contender }) => contender))];
  return {
    date: new Date().toISOString().slice(0, 10), system: `${type()} ${release()}`, cpu: `${others.length + 1} × ${cpu.model.trim()}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version,
    browser: Story.browser,
    packages: Object.fromEntries(measured.flatMap((name) => CONTENDERS[name].uses ?? []).map((used) => [used, version(used)])),
  };
}
