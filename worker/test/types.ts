/** Checked by the compiler alone: the public types say what an app expects. */

import { createSync, type Schema, type Stored } from "lastword";

interface Goal {
  title: string;
  target?: number;
}

export async function typed(): Promise<void> {
  const sync = await createSync({
    database: "app",
    backend: { url: "/" },
    entities: {
      "workout-logs": {
        schema: {
          type: "object",
          required: ["exercise", "sets"],
          properties: {
            exercise: { type: "string" },
            note: { type: ["string", "null"] },
            unit: { enum: ["kg", "lb"] },
            sets: { type: "array", items: { type: "object", required: ["reps"], properties: { reps: { type: "integer" } } } },
          },
        },
      },
      goals: { schema: { type: "object" } as Schema<Goal> },
      free: {},
    },
  });
  const log = await sync.entities["workout-logs"].put({ exercise: "squat", sets: [{ reps: 5 }], unit: "kg", note: null });
  const reps: number | undefined = log.sets[0]?.reps;
  const stamp: number = log.clientUpdatedAt;
  const goals: Stored<Goal>[] = await sync.entities.goals.list();
  const free = await sync.entities.free.get("1");
  const anything: unknown = free?.["field"];
  // @ts-expect-error: a required field is missing
  await sync.entities["workout-logs"].put({ exercise: "squat" });
  // @ts-expect-error: not one of the enum
  await sync.entities["workout-logs"].update("1", { unit: "stone" });
  // @ts-expect-error: no such entity
  sync.entities.unknown;
  sync.on("change", ({ entity, ids }) => void [entity, ids]);
  void [reps, stamp, goals, anything];
}
