// What lastword is meant to reach, beside what was measured, and where a peer is ahead of it. Hides nothing that was missed.
import { CONTENDERS } from "../contenders/index.mjs";
import { over } from "./summary.mjs";

const LASTWORD = Object.keys(CONTENDERS).filter((name) => name.startsWith("lastword"));

/** Each goal beside what was measured, met or missed. */
export function goalTable(table) {
  const own = LASTWORD.filter((name) => [...table.values()].some((row) => row.has(name)));
  const rows = [...table].flatMap(([workload, row]) => GOALS.filter(({ start }) => start.test(workload)).map(({ most, unit, measured }) => {
    const cells = own.map((name) => measured(row, name)).map((value) => {
      if (value === undefined) return "–";
      return `${figure(value)}, ${value <= most ? "met" : "**missed**"}`;
    });
    return `| ${workload} | ${most} ${unit} | ${cells.join(" | ")} |`;
  }));
  return [`| | at most | ${own.map((name) => CONTENDERS[name].title).join(" | ")} |`, `|---|---|${own.map(() => "---|").join("")}`, ...rows].join("\n");
}

/** A line for each workload in which a peer took less time than the fastest lastword. */
export function aheadList(table) {
  const lines = [...table].filter(([workload]) => workload !== "first").flatMap(([workload, row]) => {
    const ratios = [...row].filter(([name, { ratio }]) => name !== "floor" && ratio !== undefined);
    const own = ratios.filter(([name]) => LASTWORD.includes(name)).map(([, { ratio }]) => ratio);
    if (own.length === 0) return [];
    const best = Math.min(...own);
    const ahead = ratios.filter(([name, { ratio }]) => !LASTWORD.includes(name) && ratio < best).sort(([, a], [, b]) => a.ratio - b.ratio);
    const named = ahead.map(([name, { ratio }]) => `${CONTENDERS[name].title} ${figure(ratio)}`).join(", ");
    return ahead.length === 0 ? [] : [`- **${workload}**: ${named}; lastword ${figure(best)}.`];
  });
  return lines.length > 0 ? lines.join("\n") : "In no workload that was measured here.";
}

/** How many times as long a sync takes with the most rows as with the fewest. */
export function growthTable(table, contenders) {
  const kinds = ["no-op", "delta 100"].map((kind) => {
    const sizes = [...table.keys()].filter((workload) => workload.startsWith(`${kind} of `)).sort((a, b) => rowsOf(a) - rowsOf(b));
    return { fewest: sizes[0], most: sizes.at(-1) };
  });
  if (kinds.some(({ fewest, most }) => fewest === most)) return "Not measured here.";
  const rows = contenders.map((name) => {
    const grown = kinds.map(({ fewest, most }) => over(table.get(most).get(name), table.get(fewest).get(name)).ratio);
    return `| ${CONTENDERS[name].title} | ${grown.map((ratio) => (ratio === undefined ? "–" : figure(ratio))).join(" | ")} |`;
  });
  const head = kinds.map(({ fewest, most }) => `${most} / ${fewest.slice(fewest.indexOf(" of ") + 4)}`);
  return [`| | ${head.join(" | ")} |`, "|---|---|---|", ...rows].join("\n");
}

/** The 4,000 of `no-op of 4k rows`. */
function rowsOf(workload) {
  const [, count, thousands] = / of ([\d.]+)(k?) rows$/.exec(workload);
  return Number(count) * (thousands ? 1000 : 1);
}

/** A ratio or a count, short. */
export function figure(value) {
  return value >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
}

function against(start, most, peer) {
  return { start, most, unit: `× ${CONTENDERS[peer].title}`, measured: (row, name) => over(row.get(name), row.get(peer)).ratio };
}

/** What a workload whose name is like this may take. */
const GOALS = [
  against(/^pull \S+$/, 1.1, "floor"), against(/^pull \S+$/, 0.45, "dexie"), against(/^pull \S+$/, 0.25, "rxdb"),
  against(/^pull \S+$/, 0.12, "pouchdb"), { start: /^pull \S+$/, most: 20, unit: "ms gap", measured: (row, name) => row.get(name)?.gap },
  against(/^push /, 1.2, "floor"), against(/^merge /, 1.2, "floor"), against(/^no-op/, 1.3, "floor"), against(/^delta /, 1.5, "floor"),
  against(/^cold$/, 1.5, "floor"),
  {
    start: /^no-op, 10 entities$/, most: 1, unit: "request, on a changeset backend",
    measured: (row, name) => (name === "lastword-changeset" ? row.get(name)?.requests : undefined),
  },
];
