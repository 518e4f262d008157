// A browser whose pages can be frozen: one that Playwright started itself keeps every page active.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGS, DEADLINE_MS } from "./browser.mjs";

/** As `openProfile`, but for what Playwright changes in a page. */
export async function openFreezable() {
  const folder = await mkdtemp(join(tmpdir(), "lastword-profile-"));
  const args = [...ARGS, "--headless", "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"];
  const child = spawn(process.env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium", args, { stdio: ["ignore", "ignore", "pipe"] });
  const browser = await chromium.connectOverCDP(await address(child), { noDefaults: true });
  const [context] = browser.contexts();
  context.setDefaultTimeout(DEADLINE_MS);
  return {
    context,
    async close() {
      const ended = once(child, "exit");
      await (await browser.newBrowserCDPSession()).send("Browser.close").catch(() => child.kill("SIGKILL"));
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Stops the page and its workers, as a browser does with tabs out of sight; answers how to let them go on.
 *
 * A browser by itself leaves a page that is in the middle of a transaction alone, since that would block every other
 * tab. Told to freeze, it does not: so this one freezes anew until `other` can write to the database.
 */
export async function freeze(page, other, database) {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Page.enable");
  const thaw = () => protocol.send("Page.setWebLifecycleState", { state: "active" });
  do await protocol.send("Page.setWebLifecycleState", { state: "frozen" });
  while (!(await other.evaluate(isWritable, database)) && (await thaw(), true));
  return thaw;
}

/** Whether a transaction over every store can begin soon. */
function isWritable(name) {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(name);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const database = open.result;
      const transaction = database.transaction([...database.objectStoreNames], "readwrite");
      const soon = setTimeout(() => {
        database.close();
        resolve(false);
      }, 2_000);
      transaction.objectStore(database.objectStoreNames[0]).count().onsuccess = () => {
        clearTimeout(soon);
        database.close();
        resolve(true);
      };
    };
  });
}

/** Where the browser says it listens; its complaint when it ends before that. */
function address(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
      const match = /DevTools listening on (ws:\S+)/.exec(said);
      if (match) resolve(match[1]);
    });
    child.once("exit", () => reject(new Error(`the browser did not start: ${said}`)));
  });
}
