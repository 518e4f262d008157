// A browser that is killed: its own child process with all that it started, and one profile on disk that outlives it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { ARGS, DEADLINE_MS } from "./browser.mjs";

/**
 * `start` opens the profile, `kill` ends the browser's processes at once, `died` waits until they have ended.
 *
 * A kill in the middle of its own write can make the browser find its files damaged (`checksum mismatch`) and begin with
 * an empty database. It says so; `dropped` tells.
 */
export async function openVictim() {
  const folder = await mkdtemp(join(tmpdir(), "lastword-profile-"));
  let child;
  let browser;
  let ended;
  let dropped;
  const victim = {
    /** The browser's context, with nothing open but an empty page. */
    async start() {
      // A group of its own, so that a kill takes the browser's helpers too and no other browser.
      child = spawn(process.env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium", [
        ...ARGS, "--headless", "--enable-logging=stderr", "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank",
      ], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
      ended = once(child, "close");
      const lines = createInterface({ input: child.stderr });
      dropped = new Promise((resolve) => lines.on("line", (line) => line.includes(DROPPED) && resolve(true)));
      browser = await chromium.connectOverCDP(await address(lines), { timeout: DEADLINE_MS });
      const [context] = browser.contexts();
      context.setDefaultTimeout(DEADLINE_MS);
      return context;
    },
    /** True when the browser said, in this life, that it threw the database away. Waits for its word. */
    dropped() {
      return Promise.race([dropped, new Promise((resolve) => setTimeout(resolve, DEADLINE_MS, false).unref())]);
    },
    kill() {
      process.kill(-child.pid, "SIGKILL");
    },
    async died() {
      await ended;
      await browser.close();
      child = undefined;
    },
    async close() {
      if (child) {
        victim.kill();
        await victim.died();
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return victim;
}

/** Where the browser says that it can be driven. */
async function address(lines) {
  return new Promise((resolve, reject) => {
    let said = "";
    lines.on("line", (line) => {
      const match = /DevTools listening on (ws:\S+)/.exec(line);
      if (match) resolve(match[1]);
      said += `${line}\n`;
    });
    lines.on("close", () => reject(new Error(`the browser did not start: ${said}`)));
  });
}

const DROPPED = "recovering from a corrupted (and deleted) database";
