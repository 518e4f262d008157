// From cells to medians and ratios: each ratio is taken within one round, then the median over the rounds. Never averages.

/** A table of what was measured: for each workload and contender the medians, or why there is nothing. */
export function summary({ cells }) {
  const table = new Map();
  const keys = new Set(cells.map(({ workload, contender }) => `${workload}\n${contender}`));
  for (const key of keys) {
    const [workload, contender] = key.split("\n");
    const measured = cells.filter((cell) => cell.workload === workload && cell.contender === contender);
    const good = measured.filter(({ error }) => error === undefined);
    const of = (name) => median(good.map((cell) => cell[name]).filter(Number.isFinite));
    const row = table.get(workload) ?? table.set(workload, new Map()).get(workload);
    row.set(contender, {
      rounds: good.length, error: good.length > 0 ? undefined : measured[0].error, times: new Map(good.map(({ round, ms }) => [round, ms])),
      ms: of("ms"), gap: of("gap"), memory: of("memory"), requests: of("requests"), sent: of("sent"), received: of("received"),
    });
  }
  for (const row of table.values()) {
    for (const measured of row.values()) Object.assign(measured, over(measured, row.get("floor")));
  }
  return table;
}

/** The time of `one` divided by that of `other` in the same round: the median, the least and the greatest. */
export function over(one, other) {
  const ratios = [...(one?.times ?? [])].map(([round, ms]) => ms / other?.times.get(round)).filter(Number.isFinite);
  return { ratio: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** The middle value; the mean of the two in the middle where their number is even. */
export function median(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
