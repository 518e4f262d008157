// Writes docs/benchmarks.md and its plots from bench/results/full.json alone: no figure in it is typed by hand.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CONTENDERS } from "../contenders/index.mjs";
import { BENCH } from "../harness/build.mjs";
import { bars } from "./bars.mjs";
import { summary } from "./summary.mjs";

const DOCS = join(BENCH, "../docs");

/** Writes the report of one result file. */
export async function report(file) {
  const results = JSON.parse(await readFile(file, "utf8"));
  const table = summary(results);
  const contenders = Object.keys(CONTENDERS).filter((name) => results.cells.some(({ contender }) => contender === name));
  await mkdir(join(DOCS, "images"), { recursive: true });
  const plots = [];
  for (const [workload, row] of table) {
    const entries = contenders.filter((name) => row.get(name)?.ratio !== undefined).map((name) => ({
      label: CONTENDERS[name].title, value: row.get(name).ratio, text: `${ratio(row.get(name).ratio)} × floor`, strong: name.startsWith("lastword"),
    }));
    if (!workload.startsWith("pull") && !workload.startsWith("push")) continue;
    if (entries.length < 2) continue;
    const image = `images/bench-${workload.replaceAll(" ", "-")}.svg`;
    await writeFile(join(DOCS, image), bars(`${workload}: time, as a multiple of the floor`, entries, 1));
    plots.push(`![${workload}](${image})`);
  }
  await writeFile(join(DOCS, "benchmarks.md"), page(results, table, contenders, plots));
}

function page(results, table, contenders, plots) {
  const { conditions, size, rounds } = results;
  return `# Benchmarks

Written by \`cargo xtask bench\` from [bench/results/full.json](../bench/results/full.json), where each single measurement stands. Run it yourself: it needs Chromium and some time, or \`--quick\` for small sizes. \`node bench/report/write.mjs FILE\` writes this page anew from any result. What IndexedDB and the network are asked for is counted apart from all times: \`node bench/counts.mjs\`, with the bounds in [bench/counts-budget.json](../bench/counts-budget.json), which every test run checks.

Conditions: ${conditions.cpu}, ${conditions.memoryGiB} GiB, ${conditions.system}, node ${conditions.node}, Chromium ${conditions.browser}, ${conditions.date}. ${rounds} rounds; in each, every contender in turn on a new profile on disk, against the same backend in memory on the same machine. Records of about 450 bytes. A figure is the median over the rounds of **time divided by the floor's time in the same round**, the range of the rounds in brackets; below it the median time. Differences under a third are noise on a shared machine.

## Time
${timeTable(table, contenders)}

${plots.join("\n\n")}

## Goals
${goalTable(table)}

## What else was counted
${countTable(table, contenders)}

Sent and received are bytes of bodies. The gap is the longest time in which the page could not run while it synced; an idle page shows a few milliseconds. Memory is the most that the page's process, its workers included, ever held.

## Who takes part
${contenders.map((name) => `- **${CONTENDERS[name].title}**: ${CONTENDERS[name].how}.`).join("\n")}

Sizes: small ${size.small}, large ${size.large} records. "no-op" is a sync with nothing to do on the large replica, "delta" a push of 100 edits made there, "merge" an exchange in which half of the records that come are older than an edit made here, "cold" the start of the browser's page to the end of its first no-op.
`;
}

function timeTable(table, contenders) {
  return grid(table, contenders, ({ ratio: of, low, high, ms, rounds }, name) => {
    const time = ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
    if (name === "floor") return time;
    const range = rounds > 1 ? ` (${ratio(low)}–${ratio(high)})` : "";
    return `**${ratio(of)}**${range}<br>${time}`;
  });
}

/** Each goal beside what was measured, met or missed. */
function goalTable(table) {
  const rows = [...table].flatMap(([workload, row]) => {
    const most = GOALS.find(([start]) => workload.startsWith(start))?.[1];
    return most === undefined ? [] : LASTWORD.filter((name) => row.get(name)?.ratio !== undefined).map((name) => {
      const { ratio: of } = row.get(name);
      return `| ${workload} | ${CONTENDERS[name].title} | ${most.toFixed(2)} | ${ratio(of)} | ${of <= most ? "met" : "**missed**"} |`;
    });
  });
  return ["| | | at most, × floor | measured | |", "|---|---|---|---|---|", ...rows].join("\n");
}

function countTable(table, contenders) {
  return grid(table, contenders, ({ requests, sent, received, gap, memory }) => {
    const held = memory ? `<br>${(memory / 2 ** 20).toFixed(0)} MiB` : "";
    return `${requests} requests<br>${bytes(sent)} sent, ${bytes(received)} received<br>gap ${gap.toFixed(0)} ms${held}`;
  });
}

function grid(table, contenders, cell) {
  const head = `| | ${contenders.map((name) => CONTENDERS[name].title).join(" | ")} |\n|---|${contenders.map(() => "---|").join("")}`;
  const rows = [...table].filter(([workload]) => workload !== "first").map(([workload, row]) => {
    const cells = contenders.map((name) => {
      const of = row.get(name);
      if (!of) return "–";
      return of.error === undefined ? cell(of, name) : of.error;
    });
    return `| ${workload} | ${cells.join(" | ")} |`;
  });
  return [head, ...rows].join("\n");
}

function ratio(value) {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}

function bytes(count) {
  return count >= 2 ** 20 ? `${(count / 2 ** 20).toFixed(1)} MiB` : count >= 1024 ? `${(count / 1024).toFixed(1)} KiB` : `${count} B`;
}

const LASTWORD = Object.keys(CONTENDERS).filter((name) => name.startsWith("lastword"));
/** What each workload may take, as a multiple of the floor's time in the same round. */
const GOALS = [["pull", 1.1], ["push", 1.2], ["merge", 1.2], ["no-op", 1.3], ["delta", 1.5], ["cold", 1.5]];

if (import.meta.url === pathToFileURL(process.argv[1]).href) await report(process.argv[2] ?? join(BENCH, "results/full.json"));
