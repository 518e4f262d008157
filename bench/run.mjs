// Runs the benchmark and keeps what was measured in bench/results. Never judges it: report/write.mjs reads the file.
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONTENDERS } from "./contenders/index.mjs";
import { report } from "./report/write.mjs";
import { BENCH, FOLDERS, bundle } from "./harness/build.mjs";
import { STORIES } from "./harness/stories.mjs";
import { Story, tell } from "./harness/story.mjs";
import { startBackend } from "./backend/server.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" }, rounds: { type: "string" }, only: { type: "string" }, workload: { type: "string" }, out: { type: "string" },
  },
});
const size = options.quick ? { small: 2_000, large: 10_000 } : { small: 10_000, large: 100_000 };
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const contenders = chosen(Object.keys(CONTENDERS), options.only);
const stories = chosen(Object.keys(STORIES), options.workload);

await bundle(contenders);
const backend = await startBackend(FOLDERS);
const cells = [];
const out = options.out ?? join(BENCH, "results", options.quick ? "quick.json" : "full.json");
await mkdir(join(BENCH, "results"), { recursive: true });
for (let round = 1; round <= rounds; round++) {
  for (const story of stories) {
    for (const contender of contenders.filter((name) => !(CONTENDERS[name].without ?? []).includes(story))) {
      for (const cell of await tell(STORIES[story], contender, backend, size)) {
        cells.push({ round, contender, ...cell });
        console.log(line(cell, round, contender));
      }
    }
  }
  // After each round: a run that is stopped keeps those it ended.
  await writeFile(out, `${JSON.stringify({ conditions: conditions(), size, rounds: round, cells }, null, 1)}\n`);
}
await backend.close();
console.log(`kept in ${out}`);
if (!options.quick && !options.out) await report(out);

function chosen(all, names) {
  const wanted = names?.split(",") ?? all;
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown) throw new Error(`there is no ${unknown}; there are ${all.join(", ")}`);
  return wanted;
}

function line({ workload, ms, gap, requests, error }, round, contender) {
  const what = error ?? `${ms.toFixed(1).padStart(9)} ms  gap ${gap.toFixed(0).padStart(5)} ms  ${requests} requests`;
  return `${round}  ${contender.padEnd(18)} ${workload.padEnd(12)} ${what}`;
}

function conditions() {
  const [cpu, ...others] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10), system: `${type()} ${release()}`, cpu: `${others.length + 1} × ${cpu.model.trim()}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version,
    browser: Story.browser,
  };
}
