// Starts the real Chromium with a profile on disk. Never downloads a browser.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** A browser profile on disk, as of one device. `close` ends the browser and removes the profile. */
export async function openProfile(options = {}) {
  const folder = await mkdtemp(join(tmpdir(), "lastword-profile-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: EXECUTABLE,
    args: ARGS,
    viewport: PHONE,
    ...options,
  });
  context.setDefaultTimeout(DEADLINE_MS);
  return {
    context,
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Runs in a page: every row of a store, read from IndexedDB behind the app's back. */
export function rowsOf([database, store]) {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(database);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const all = open.result.transaction(store).objectStore(store).getAll();
      all.onerror = () => reject(all.error);
      all.onsuccess = () => {
        open.result.close();
        resolve(all.result);
      };
    };
  });
}

/** A browser whose contexts are devices of their own, gone when it closes. Quicker than a profile for each. */
export async function launch() {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
  return {
    async newContext(options = {}) {
      const context = await browser.newContext({ viewport: PHONE, ...options });
      context.setDefaultTimeout(DEADLINE_MS);
      return context;
    },
    close: () => browser.close(),
  };
}

/** The sizes at which the page is tested, and its narrowest. */
export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 900 };

/** Longest wait for a state of the page. */
export const DEADLINE_MS = 60_000;

const EXECUTABLE = process.env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium";

/** What every browser of the tests is started with. */
export const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
