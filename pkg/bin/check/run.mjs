// Asks every promise in turn. Never stops at the first that is broken, but leaves out what cannot be told without it.
import { Broken, Skipped } from "./broken.mjs";
import { MUSTS } from "./musts.mjs";
import { Usage } from "./plan.mjs";
import { OFFERS, SHOULDS } from "./shoulds.mjs";
import { Trial } from "./trial.mjs";

/** Answers a result for each promise, and shows each as it comes. */
export async function runChecks(plan, shown) {
  const all = [["must", MUSTS], ["should", SHOULDS], ["offer", OFFERS]];
  if (plan.only && !all.some(([, promises]) => promises.some(({ id }) => id === plan.only))) throw new Usage(`there is no promise \`${plan.only}\``);
  const trial = new Trial(plan);
  const results = [];
  const broken = new Set();
  for (const [level, promises] of all) {
    for (const { id, title, without, needs = BASIC, run } of promises) {
      if (plan.only && ![...BASIC, plan.only].includes(id)) continue;
      const missing = needs.find((need) => broken.has(need));
      const ended = missing ? { outcome: "skipped", reason: `\`${missing}\` is broken` } : await outcome(() => run(trial));
      if (ended.outcome === "broken") broken.add(id);
      const result = { level, id, title, ...(without ? { without } : {}), ...ended };
      results.push(result);
      shown(result);
    }
  }
  await trial.cleanUp();
  return results;
}

/** Nothing can be told of the rest without these. */
const BASIC = ["pull", "create"];

async function outcome(run) {
  try {
    await run();
    return { outcome: "kept" };
  } catch (error) {
    if (error instanceof Skipped) return { outcome: "skipped", reason: error.message };
    if (error instanceof Broken) return { outcome: "broken", reason: error.message };
    throw error;
  }
}
