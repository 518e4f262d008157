// From cells to medians and ratios: each ratio is taken within one round, then the median over the rounds. Never averages.

/** A table of what was measured: for each workload and contender the medians, or why there is nothing. */
export function summary({ cells }) {
  const floors = new Map(cells.filter(({ contender }) => contender === "floor").map((cell) => [`${cell.round}/${cell.workload}`, cell]));
  const groups = Map.groupBy(cells, ({ workload, contender }) => `${workload}\n${contender}`);
  const table = new Map();
  for (const [key, measured] of groups) {
    const [workload, contender] = key.split("\n");
    const good = measured.filter(({ error }) => error === undefined);
    const ratios = good.map((cell) => cell.ms / floors.get(`${cell.round}/${workload}`)?.ms).filter(Number.isFinite);
    const row = table.get(workload) ?? table.set(workload, new Map()).get(workload);
    const of = (name) => median(good.map((cell) => cell[name]).filter(Number.isFinite));
    row.set(contender, {
      rounds: good.length, error: good.length > 0 ? undefined : measured[0].error, ms: of("ms"), gap: of("gap"), memory: of("memory"),
      requests: of("requests"), sent: of("sent"), received: of("received"), ratio: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios),
    });
  }
  return table;
}

/** The middle value; the mean of the two in the middle where their number is even. */
export function median(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
