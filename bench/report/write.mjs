// Writes the times in docs/benchmarks.md and their plots from one result file alone: no figure among them is typed by hand.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { CONTENDERS } from "../contenders/index.mjs";
import { BENCH } from "../harness/build.mjs";
import { short } from "../harness/stories.mjs";
import { bars } from "./bars.mjs";
import { aheadList, figure, goalTable, growthTable } from "./goals.mjs";
import { summary } from "./summary.mjs";

const DOCS = join(BENCH, "../docs");
const PAGE = join(DOCS, "benchmarks.md");
/** What stands on the page before this is written by hand and stays. */
const TIMES = "## Times\n";

/** Writes the report of one result file. */
export async function report(file) {
  const results = JSON.parse(await readFile(file, "utf8"));
  const table = summary(results);
  const contenders = Object.keys(CONTENDERS).filter((name) => results.cells.some(({ contender }) => contender === name));
  await mkdir(join(DOCS, "images"), { recursive: true });
  const plots = [];
  for (const [workload, row] of table) {
    const kind = PLOTTED.find((start) => workload.startsWith(start));
    const entries = contenders.filter((name) => row.get(name)?.ratio !== undefined).map((name) => ({
      label: CONTENDERS[name].title, value: row.get(name).ratio, text: `${figure(row.get(name).ratio)} × floor`, strong: name.startsWith("lastword"),
    }));
    if (kind === undefined || (kind === "delta" && !workload.includes(` ${short(results.size.large)} `)) || workload.includes(" in ") || entries.length < 2) continue;
    // A name without its size: another run writes over it.
    const size = workload === `pull ${short(results.size.large)}` ? "-large" : "";
    const image = `images/bench-${kind}${size}.svg`;
    await writeFile(join(DOCS, image), bars(`${workload}: time, as a multiple of the floor`, entries, 1));
    plots.push(`![${workload}](${image})`);
  }
  const page = await readFile(PAGE, "utf8");
  if (!page.includes(TIMES)) throw new Error(`${PAGE} has no line ${TIMES}`);
  await writeFile(PAGE, page.slice(0, page.indexOf(TIMES)) + times(basename(file), results, table, contenders, plots));
}

function times(file, results, table, contenders, plots) {
  const { conditions, size, rounds, weights } = results;
  const everywhere = contenders.filter((name) => CONTENDERS[name].only === undefined);
  return `${TIMES}Written by \`cargo xtask bench\` from [bench/results/${file}](../bench/results/${file}), where each single measurement stands. Run it
yourself: it needs Chromium and some hours, or \`--quick\` and some minutes for small sizes.

Conditions: ${conditions.cpu}, ${conditions.memoryGiB} GiB, ${conditions.system}, node ${conditions.node}, Chromium ${conditions.browser}, ${conditions.date}. Rounds: ${rounds}; in each,
the contenders in turn on a new profile on disk, against the same backend in memory on the same machine. Records of about 450
bytes; a small replica has ${size.small}, a large one ${size.large}. After each workload the rows of the replica and of the backend are
counted and some are read; a contender that lost one has no time.

A figure is the median over the rounds of **time divided by the floor's time in the same round**, the least and the greatest of
the rounds in brackets, where it was measured in more than one; below it the median time. The floor is raw IndexedDB by hand.
Differences under a third are noise on a shared machine.

${timeTable(table, everywhere)}

"no-op" is a sync with nothing to do, "delta" one that sends 100 edits, "merge" an exchange on the large replica in which half of
the records that come are older than an edit made here, "cold" the start on the large replica to the end of the first no-op:
opening the database and all that must be read for it is in it.

${onlyHere(table, contenders)}

${plots.join("\n\n")}

### Where a peer is ahead of lastword
As a multiple of the floor, the fastest first; of lastword's layouts the faster one.

${aheadList(table)}

WatermelonDB, TinyBase and Replicache keep their rows in memory and write many of them into one value of IndexedDB, so a first
pull asks it for less than one put a row. What that costs elsewhere shows in the rows of delta, merge and cold, in the gaps and
in the memory.

### Goals
${goalTable(table)}

### Growth
How many times as long a sync takes with the most rows as with the fewest.

${growthTable(table, everywhere)}

### What else was counted
${countTable(table, everywhere)}

Sent and received are bytes of bodies. Replicache meets its own pushes again in the same round, lastword, WatermelonDB,
TinyBase, RxDB, Dexie by hand and the floor at the next pull. The gap is the longest time in which the page could not run while it synced; an idle page
shows a few milliseconds. Memory is the most that the page's process, its workers included, ever held until the large pull ended.

### The package
What a page and its workers load, with gzip: the contender's package, minified and without what it does not use, and some lines of
the benchmark's own.

${weightTable(weights, everywhere)}

### Who takes part
${contenders.map((name) => `- **${CONTENDERS[name].title}**${versions(name, conditions)}: ${CONTENDERS[name].how}.`).join("\n")}
${Object.keys(CONTENDERS).filter((name) => !contenders.includes(name)).map(absent).join("\n")}
`;
}

function versions(name, { packages = {} }) {
  const used = (CONTENDERS[name].uses ?? []).map((used) => `${used} ${packages[used]}`);
  return used.length > 0 ? ` (${used.join(", ")})` : "";
}

function absent(name) {
  const { title, optional = "not part of this run" } = CONTENDERS[name];
  return `- ${title} was left out: ${optional}.`;
}

/** A contender that is here for some stories alone gets a line, not a column. */
function onlyHere(table, contenders) {
  return contenders.filter((name) => CONTENDERS[name].only).flatMap((name) => [...table].filter(([, row]) => row.get(name)?.ratio !== undefined)
    .map(([workload, row]) => `- ${CONTENDERS[name].title}, ${workload}: **${figure(row.get(name).ratio)}** × floor, ${time(row.get(name).ms)}, ${counted(row.get(name).requests, "HTTP request")}.`)).join("\n");
}

function counted(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function timeTable(table, contenders) {
  return grid(table, contenders, ({ ratio, low, high, ms, rounds }, name) => {
    if (name === "floor" || ratio === undefined) return time(ms);
    const range = rounds > 1 ? ` (${figure(low)}–${figure(high)})` : "";
    return `**${figure(ratio)}**${range}<br>${time(ms)}`;
  });
}

function countTable(table, contenders) {
  return grid(table, contenders, ({ requests, sent, received, gap, memory }) => {
    const held = memory ? `<br>${(memory / 2 ** 20).toFixed(0)} MiB` : "";
    return `${counted(requests, "request")}<br>${bytes(sent)} sent, ${bytes(received)} received<br>gap ${gap.toFixed(0)} ms${held}`;
  });
}

function weightTable(weights, contenders) {
  const rows = contenders.map((name) => `| ${CONTENDERS[name].title} | ${bytes(weights[name])} |`);
  return ["| | gzip |", "|---|---|", ...rows].join("\n");
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

function time(ms) {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

function bytes(count) {
  return count >= 2 ** 20 ? `${(count / 2 ** 20).toFixed(1)} MiB` : count >= 1024 ? `${(count / 1024).toFixed(1)} KiB` : `${count} B`;
}

const PLOTTED = ["pull", "push", "merge", "delta", "cold"];

if (import.meta.url === pathToFileURL(process.argv[1]).href) await report(process.argv[2] ?? join(BENCH, "results/full.json"));
