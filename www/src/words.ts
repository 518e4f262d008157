/** Status, times and errors in words for a person. */

import { LastwordError, type Status } from "lastword";
import type { LoggedSet } from "./model.js";
import { weightWords, type Unit } from "./weights.js";

/** What the pill shows. `tone` picks its colour; the words alone carry the meaning. */
export interface PillWords {
  tone: "good" | "busy" | "waiting" | "bad" | "off";
  text: string;
}

/** The status in a few words. */
export function pillWords(status: Status, on: boolean): PillWords {
  if (!on) return { tone: "off", text: status.pending > 0 ? `Sync off · ${status.pending} waiting` : "Sync off" };
  switch (status.state) {
    case "syncing": return { tone: "busy", text: progressWords(status) };
    case "auth_needed": return { tone: "bad", text: "Sign-in needed" };
    case "offline": return { tone: "waiting", text: status.pending > 0 ? `Offline · ${status.pending} waiting` : "Offline" };
    case "failed": return { tone: "bad", text: status.pending > 0 ? `Sync failed · ${status.pending} waiting` : "Sync failed" };
    case "stopped": return { tone: "off", text: "Sync off" };
    case "idle":
      if (status.failed > 0) return { tone: "bad", text: `${status.failed} refused` };
      if (status.conflicts > 0) return { tone: "bad", text: `${status.conflicts} in conflict` };
      if (status.pending > 0) return { tone: "waiting", text: `${status.pending} pending` };
      return status.lastSyncAt === null ? { tone: "waiting", text: "Not synced yet" } : { tone: "good", text: "Synced" };
  }
}

function progressWords({ progress }: Status): string {
  if (!progress || progress.done === 0) return "Syncing…";
  return progress.total === null ? `Syncing ${progress.done.toLocaleString()}` : `Syncing ${progress.done.toLocaleString()} of ${progress.total.toLocaleString()}`;
}

/** A moment to the second: the time today, else the date too. */
export function timeWords(at: number): string {
  return momentWords(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** A moment to the minute. */
export function minuteWords(at: number): string {
  return momentWords(at, { hour: "2-digit", minute: "2-digit" });
}

function momentWords(at: number, parts: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(undefined, parts);
  return dayKey(at) === dayKey(Date.now()) ? time : `${date.toLocaleDateString()} ${time}`;
}

/** A day as a heading. */
export function dayWords(at: number): string {
  const days = Math.round((startOfDay(Date.now()) - startOfDay(at)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return new Date(at).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** The same for two moments of one local day. */
export function dayKey(at: number): string {
  return new Date(at).toDateString();
}

/** When the week of a moment began; `firstDay` as `Date.getDay` counts. */
export function startOfWeek(at: number, firstDay: number): number {
  const day = new Date(startOfDay(at));
  return day.setDate(day.getDate() - ((day.getDay() - firstDay + 7) % 7));
}

/** `1 set`, `2 sets`. */
export function countWords(count: number, word: string): string {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}

/** What a kind of record is called: one, and many. */
export function kindWords(entity: string): { one: string; many: string } {
  const [one, many] = KINDS[entity] ?? [entity, entity];
  return { one, many };
}

/** What a record is called by the person who made it. */
export function recordWords(entity: string, record: object | undefined, unit: Unit): string {
  const { exercise, name, title, weight } = (record ?? {}) as { [field: string]: unknown };
  for (const text of [exercise, name, title]) if (typeof text === "string") return text;
  return typeof weight === "number" ? weightWords(weight, unit) : kindWords(entity).one;
}

/** A field of a record as a person reads it. */
export function fieldWords(field: string, value: unknown, unit: Unit): string {
  if (value === undefined || value === null) return "–";
  if (field.endsWith("At") && typeof value === "number") return timeWords(value);
  if (field === "sets" && Array.isArray(value)) return setWords(value as LoggedSet[], unit);
  if (field === "weight" && typeof value === "number") return weightWords(value, unit);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `3 × 5 × 100 kg`, runs of equal sets taken together. */
export function setWords(sets: LoggedSet[], unit: Unit): string {
  const runs: (LoggedSet & { count: number })[] = [];
  for (const set of sets) {
    const last = runs.at(-1);
    if (last && last.reps === set.reps && last.weight === set.weight) last.count += 1;
    else runs.push({ ...set, count: 1 });
  }
  return runs.map(({ count, reps, weight }) => `${count} × ${reps} × ${weightWords(weight, unit)}`).join(", ");
}

/** Any thrown value, for the message area: the sentence, and the code to look up. */
export function errorWords(thrown: unknown): string {
  if (thrown instanceof LastwordError) return `${thrown.message} (${thrown.code})`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

const KINDS: { readonly [entity: string]: readonly [one: string, many: string] } = {
  "user-settings": ["Settings", "Settings"],
  "exercise-definitions": ["Exercise", "Exercises"],
  "workout-logs": ["Log", "Logs"],
  "workout-templates": ["Template", "Templates"],
  "program-definitions": ["Program", "Programs"],
  "active-program-instances": ["Running program", "Running programs"],
  "progression-rules": ["Progression rule", "Progression rules"],
  "user-goals": ["Goal", "Goals"],
  "user-bodyweight-logs": ["Body weight", "Body weights"],
  "applied-progression-logs": ["Progression step", "Progression steps"],
};
