// The records of every measurement, made from a number: the same bytes at each run. Shared by the backend and the pages.

/** The fields of the app in record `n`; another `revision` is another content of the same size. */
export function fields(n, revision = 0) {
  const day = String(1 + (n % 28)).padStart(2, "0");
  const set = (at) => ({ reps: 3 + ((n + at) % 10), weight: 40 + ((n * 7 + at * 5) % 120) / 2, rpe: 6 + ((n + at) % 4) });
  return {
    exercise: EXERCISES[n % EXERCISES.length],
    performedAt: `2025-03-${day}T17:${String(n % 60).padStart(2, "0")}:00Z`,
    location: PLACES[n % PLACES.length],
    note: `Felt ${MOODS[(n + revision) % MOODS.length]}; last set slow, keep the weight and add a repetition next time. ${revision}`,
    sets: [set(0), set(1), set(2)],
  };
}

/** The id of record `n`: spread over the key space, as UUIDs are. */
export function recordId(n) {
  const a = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  const b = Math.imul(n + 1, 0x85ebca6b) >>> 0;
  const hex = (value, digits) => value.toString(16).padStart(8, "0").slice(0, digits);
  return `${hex(a, 8)}-${hex(b, 4)}-4${hex(b >>> 8, 3)}-a${hex(a >>> 4, 3)}-${hex(n, 8)}${hex(b >>> 16, 4)}`;
}

/** Record `n` as another device wrote it. */
export function record(n, revision = 0) {
  const at = FIRST_STAMP + n * 1000;
  return { id: recordId(n), clientCreatedAt: at, clientUpdatedAt: at + revision * 86_400_000, isDeleted: false, ...fields(n, revision) };
}

/** What the app promises about its records: for contenders that check. */
export const schema = {
  type: "object",
  required: ["exercise", "performedAt", "sets"],
  properties: {
    exercise: { type: "string", minLength: 1, maxLength: 100 },
    performedAt: { type: "string", maxLength: 40 },
    location: { type: "string", maxLength: 100 },
    note: { type: "string", maxLength: 2000 },
    sets: {
      type: "array",
      maxItems: 50,
      items: {
        type: "object",
        required: ["reps", "weight"],
        properties: {
          reps: { type: "integer", minimum: 0, maximum: 1000 },
          weight: { type: "number", minimum: 0, maximum: 1000 },
          rpe: { type: "number", minimum: 0, maximum: 10 },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

const FIRST_STAMP = Date.UTC(2025, 2, 1);
const EXERCISES = ["Back squat", "Bench press", "Deadlift", "Overhead press", "Barbell row", "Front squat", "Chin-up"];
const PLACES = ["Main hall, rack 2", "Home garage", "University gym, second floor"];
const MOODS = ["strong", "tired", "steady", "rushed", "rested"];
