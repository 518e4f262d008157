/** What the app stores. The entity file beside it declares the same to the backend. */

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
  exerciseId?: string;
  performedAt: number;
  sets: LoggedSet[];
  note?: string;
}

export const MUSCLES = ["legs", "back", "chest", "shoulders", "arms", "core"] as const;
export const EQUIPMENT = ["barbell", "dumbbell", "machine", "cable", "body weight"] as const;
export const GOAL_UNITS = ["kg", "sessions", "reps"] as const;

/** The app's fields of every entity. Times are milliseconds since the Unix epoch, weights kilograms. */
export interface Models {
  "user-settings": { unit: "kg" | "lb"; restSeconds: number; weekStartsOn?: number };
  "exercise-definitions": { name: string; muscle: (typeof MUSCLES)[number]; equipment?: (typeof EQUIPMENT)[number]; note?: string };
  "workout-logs": WorkoutLog;
  "workout-templates": { name: string; exercises: { exercise: string; sets: number; reps: number }[]; startedAt?: number };
  "program-definitions": { name: string; weeks: number; days: { name: string; template: string }[]; note?: string };
  "active-program-instances": { programId: string; startedAt: number; week?: number; state: "active" | "paused" | "done" };
  "progression-rules": { exerciseId: string; kind?: "linear" | "double"; step: number; everySessions: number };
  "user-goals": { title: string; target: number; unit: (typeof GOAL_UNITS)[number]; dueAt?: number; doneAt?: number | null };
  "user-bodyweight-logs": { measuredAt: number; weight: number };
  "applied-progression-logs": { ruleId: string; appliedAt: number; from: number; to: number };
}

export type EntityName = keyof Models;

/** A stored record of an entity. */
export type Row<Name extends EntityName> = Stored<Models[Name]>;

type Declared = {
  readonly [Name in EntityName]: {
    readonly path: string;
    readonly schema: Schema<Models[Name]>;
    readonly references?: { readonly [field: string]: string };
    readonly conflicts?: "lastWriteWins" | "manual";
  };
};

export type AppSync = Sync<Declared>;

/** The entities of this app, with one rule for records that both sides changed. */
export function entitiesWith(conflicts: "lastWriteWins" | "manual"): Declared {
  const declared = file.entities as unknown as Declared;
  return Object.fromEntries(Object.entries(declared).map(([name, entity]) => [name, { ...entity, conflicts }])) as unknown as Declared;
}

/** lastword's own server at `url`, which takes so many records in one push. */
export const serverAt = (url: string) => ({ url, batchRecords: 500 });

/** The names of the entities, parents first. */
export const ENTITY_NAMES: readonly EntityName[] = [
  "user-settings", "exercise-definitions", "workout-logs", "workout-templates", "program-definitions",
  "active-program-instances", "progression-rules", "user-goals", "user-bodyweight-logs", "applied-progression-logs",
];
