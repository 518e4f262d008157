/** A year of training, 5,000 records over all ten entities, the same from the same seed. */

import type { AppSync, EntityName, LoggedSet, Models } from "./model.js";

type Exercise = Models["exercise-definitions"];

/** Writes the sample, parents first. */
export async function makeSample(sync: AppSync, seed = 1): Promise<void> {
  const put = async <Name extends EntityName>(name: Name, records: Models[Name][]) => {
    const stored: { id: string }[] = [];
    for (let from = 0; from < records.length; from += CHUNK) {
      stored.push(...(await sync.entities[name].bulkPut(records.slice(from, from + CHUNK) as never)));
    }
    return stored.map(({ id }) => id);
  };
  const random = mulberry32(seed);
  const start = Date.now() - DAYS * DAY_MS;
  const exercises = EXERCISES.map(([name, muscle, equipment]) => ({ name, muscle, equipment }));

  await put("user-settings", [{ unit: "kg", restSeconds: 120, weekStartsOn: 1 }]);
  const exerciseIds = await put("exercise-definitions", exercises);
  await put("workout-templates", [0, 1, 2, 3].map((at) => ({
    name: `Workout ${"ABCD"[at]}`, exercises: NAMES.slice(at * 3, at * 3 + 3).map((exercise) => ({ exercise, sets: 3, reps: 5 })),
  })));
  const [programId = ""] = await put("program-definitions", [{ name: "Steady strength", weeks: 52, days: [0, 1, 2, 3].map((at) => ({ name: `Day ${at + 1}`, template: `Workout ${"ABCD"[at]}` })) }]);
  await put("active-program-instances", [{ programId, startedAt: start, week: 52, state: "active" }]);
  const ruleIds = await put("progression-rules", exerciseIds.map((exerciseId) => ({ exerciseId, kind: "linear", step: 2.5, everySessions: 4 })));
  await put("user-goals", GOALS);
  await put("user-bodyweight-logs", Array.from({ length: DAYS }, (_, day) => ({
    measuredAt: start + day * DAY_MS + 7 * HOUR_MS, weight: tenth(84 - (day / DAYS) * 5 + Math.sin(day / 9) * 0.6 + random() * 0.8),
  })));
  const logs: Models["workout-logs"][] = [];
  const applied: Models["applied-progression-logs"][] = [];
  for (let session = 0; logs.length < LOGS; session++) {
    const day = Math.min(DAYS - 1, Math.floor((session * DAYS) / SESSIONS));
    for (let slot = 0; slot < PER_SESSION && logs.length < LOGS; slot++) {
      const which = (session * 3 + slot) % NAMES.length;
      const weight = 20 + (which % 6) * 10 + Math.floor(session / 8) * 1.25;
      const performedAt = start + day * DAY_MS + 18 * HOUR_MS + slot * 600_000;
      logs.push({ exercise: NAMES[which] ?? "", exerciseId: exerciseIds[which] ?? "", performedAt, sets: sets(weight, random), ...(random() < 0.05 ? { note: "Felt strong." } : {}) });
      const ruleId = ruleIds[which];
      if (ruleId && applied.length < APPLIED && session % 4 === 3) applied.push({ ruleId, appliedAt: performedAt, from: weight, to: weight + 2.5 });
    }
  }
  await put("workout-logs", logs);
  await put("applied-progression-logs", applied);
}

function sets(weight: number, random: () => number): LoggedSet[] {
  return Array.from({ length: 3 }, () => ({ reps: 5 + Math.floor(random() * 4), weight }));
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

/** A small random generator with a seed: the sample must be the same in every test. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const EXERCISES: readonly (readonly [name: string, muscle: Exercise["muscle"], equipment: NonNullable<Exercise["equipment"]>])[] = [
  ["Back squat", "legs", "barbell"], ["Bench press", "chest", "barbell"], ["Bent-over row", "back", "barbell"],
  ["Deadlift", "back", "barbell"], ["Overhead press", "shoulders", "barbell"], ["Pull-up", "back", "body weight"],
  ["Front squat", "legs", "barbell"], ["Incline press", "chest", "dumbbell"], ["Lat pulldown", "back", "cable"],
  ["Romanian deadlift", "legs", "barbell"], ["Dip", "chest", "body weight"], ["Face pull", "shoulders", "cable"],
  ["Leg press", "legs", "machine"], ["Cable fly", "chest", "cable"], ["Seated row", "back", "cable"],
  ["Hip thrust", "legs", "barbell"], ["Lateral raise", "shoulders", "dumbbell"], ["Biceps curl", "arms", "dumbbell"],
  ["Calf raise", "legs", "machine"], ["Plank", "core", "body weight"],
];
const NAMES = EXERCISES.map(([name]) => name);
const GOALS: Models["user-goals"][] = [
  { title: "Squat 140 kg", target: 140, unit: "kg" },
  { title: "Bench 100 kg", target: 100, unit: "kg", doneAt: null },
  { title: "200 sessions this year", target: 200, unit: "sessions" },
];
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS = 365;
const SESSIONS = 260;
const PER_SESSION = 16;
const APPLIED = 430;
/** Brings the sum over all entities to 5,000. */
const LOGS = 5000 - 1 - 20 - 4 - 1 - 1 - 20 - 3 - DAYS - APPLIED;
const CHUNK = 500;
