/** What the app stores. The same entity file is read by the backend. */

import type { Schema, Stored, Sync } from "lastword";
import file from "../entities.json";

/** One set of an exercise. */
export interface LoggedSet {
  reps: number;
  /** Kilograms. */
  weight: number;
}

/** One exercise done on one day. */
export interface WorkoutLog {
  exercise: string;
  performedAt: number;
  sets: LoggedSet[];
  note?: string;
}

const declared = file.entities["workout-logs"];

/** The entities of this app. */
export const entities = {
  "workout-logs": { path: declared.path, schema: declared.schema as Schema<WorkoutLog> },
} as const;

export type AppSync = Sync<typeof entities>;
export type StoredLog = Stored<WorkoutLog>;
