/** What every part of the page may use. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { AppSync } from "./model.js";
import type { Settings } from "./settings.js";

export interface AppContext {
  sync: AppSync;
  settings: Settings;
  /** Runs what a person asked for and shows why it failed. True when it worked. */
  attempt(work: () => Promise<unknown>): Promise<boolean>;
  /** Why the last of it failed; empty when it did not. */
  problem: string;
  openSettings(): void;
}

export const Context = createContext<AppContext | undefined>(undefined);

export function useApp(): AppContext {
  const app = useContext(Context);
  if (!app) throw new Error("no app around this part");
  return app;
}
