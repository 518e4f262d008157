// The table a person reads. Never decides anything.

/** Prints a line for each result as it comes. */
export function print(plan) {
  process.stdout.write(`${plan.url}  ${plan.style}, entity ${plan.entity.name}\n`);
  let level;
  return (result) => {
    if (result.level !== level) process.stdout.write(`\n${HEADS[level = result.level]}\n`);
    const word = WORDS[result.level][result.outcome];
    process.stdout.write(`  ${word.padEnd(8)}${result.id.padEnd(16)}${result.title}\n`);
    if (result.outcome === "kept" || (result.level === "offer" && result.reason === "not given")) return;
    process.stdout.write(`${" ".repeat(26)}${result.reason}\n`);
    if (result.outcome === "broken" && result.without) process.stdout.write(`${" ".repeat(26)}without it: ${result.without}\n`);
  };
}

const HEADS = {
  must: "What data depends on",
  should: "What has a price when it is missing",
  offer: "What makes a sync better",
};
const WORDS = {
  must: { kept: "ok", broken: "BROKEN", skipped: "-" },
  should: { kept: "ok", broken: "missing", skipped: "-" },
  offer: { kept: "yes", broken: "no", skipped: "-" },
};
