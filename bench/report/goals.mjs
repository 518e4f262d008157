// What lastword is meant to reach, beside what was measured, and where a peer is ahead of it. Hides nothing that was missed.
import { CONTENDERS } from "../contenders/index.mjs";
import { over } from "./summary.mjs";

const LASTWORD = Object.keys(CONTENDERS).filter((name) => name.startsWith("lastword"));

/** Each goal beside what was measured, met or missed. */
export function goalTable(table) {
  const rows = [...table].flatMap(([workload, row]) => GOALS.filter(({ start }) => workload.startsWith(start)).flatMap((goal) =>
    LASTWORD.map((name) => [name, goal.measured(row, name)]).filter(([, value]) => value !== undefined).map(([name, value]) =>
      `| ${workload} | ${CONTENDERS[name].title} | ${goal.most} ${goal.unit} | ${figure(value)} | ${value <= goal.most ? "met" : "**missed**"} |`)));
  return ["| | | at most | measured | |", "|---|---|---|---|---|", ...rows].join("\n");
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
  const kinds = ["no-op", "delta 100"].map((kind) => [kind, [...table].filter(([workload]) => workload.startsWith(`${kind} of `))]);
  if (kinds.some(([, rows]) => rows.length < 2)) return "Not measured here.";
  const head = kinds.map(([kind, rows]) => `${kind}: ${rows.at(-1)[0].slice(kind.length + 4)} / ${rows[0][0].slice(kind.length + 4)}`);
  const rows = contenders.map((name) => {
    const grown = kinds.map(([, rows]) => over(rows.at(-1)[1].get(name), rows[0][1].get(name)).ratio);
    return `| ${CONTENDERS[name].title} | ${grown.map((ratio) => (ratio === undefined ? "–" : figure(ratio))).join(" | ")} |`;
  });
  return [`| | ${head.join(" | ")} |`, "|---|---|---|", ...rows].join("\n");
}

/** A ratio or a count, short. */
export function figure(value) {
  return value >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
}

function against(start, most, peer) {
  return { start, most, unit: `× ${CONTENDERS[peer].title}`, measured: (row, name) => over(row.get(name), row.get(peer)).ratio };
}

/** What each workload that starts so may take. */
const GOALS = [
  against("pull", 1.1, "floor"), against("pull", 0.45, "dexie"), against("pull", 0.25, "rxdb"), against("pull", 0.12, "pouchdb"),
  against("push", 1.2, "floor"), against("merge", 1.2, "floor"), against("no-op", 1.3, "floor"), against("delta", 1.5, "floor"),
  against("cold", 1.5, "floor"),
  { start: "pull", most: 20, unit: "ms gap", measured: (row, name) => row.get(name)?.gap },
  { start: "no-op, 10 entities", most: 1, unit: "requests on a changeset backend", measured: (row, name) => (name === "lastword-changeset" ? row.get(name)?.requests : undefined) },
];
