/**
 * How a person likes the log: the unit of weights, the rest between sets, the first day of the week.
 *
 * One record that travels like any other: every device of a person shows the same.
 */

import { createContext, type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import { useRecords } from "./hooks.js";
import type { AppSync, Models } from "./model.js";

export type Preferences = Required<Models["user-settings"]>;

const Chosen = createContext<Preferences & { id?: string }>({ unit: "kg", restSeconds: 120, weekStartsOn: 1 });

/** Gives its children what was chosen. Two devices may both have made the record before they met: the newest counts. */
export function WithPreferences({ children }: { children: ComponentChildren }) {
  const usual = usePreferences();
  const newest = useRecords("user-settings")?.sort((a, b) => b.clientUpdatedAt - a.clientUpdatedAt)[0];
  return <Chosen.Provider value={{ ...usual, ...newest }}>{children}</Chosen.Provider>;
}

export function usePreferences(): Preferences & { id?: string } {
  return useContext(Chosen);
}

/** Stores what differs from `old`, which is what {@link usePreferences} gave. */
export async function savePreferences(sync: AppSync, old: Preferences & { id?: string }, next: Preferences): Promise<void> {
  const { unit, restSeconds, weekStartsOn } = next;
  if (unit === old.unit && restSeconds === old.restSeconds && weekStartsOn === old.weekStartsOn) return;
  const settings = sync.entities["user-settings"];
  const fields = { unit, restSeconds, weekStartsOn };
  if (old.id) await settings.update(old.id, fields);
  else await settings.put(fields);
}
