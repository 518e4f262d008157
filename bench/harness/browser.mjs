// A headless Chromium with a profile of its own on disk. Never downloads a browser.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** A profile on disk, new and empty. The browser on it can be closed and started again. */
export async function newProfile() {
  const folder = await mkdtemp(join(tmpdir(), "lastword-bench-"));
  let context;
  return {
    /** A fresh page of a freshly started browser. */
    async start(origin) {
      context = await chromium.launchPersistentContext(folder, {
        executablePath: process.env.LASTWORD_CHROMIUM ?? "/usr/bin/chromium", args: ARGS,
      });
      context.setDefaultTimeout(0);
      const page = await context.newPage();
      await page.goto(origin);
      await page.waitForFunction("globalThis.bench");
      return page;
    },
    /** Ends the browser; the profile stays. */
    async stop() {
      await context?.close();
      context = undefined;
    },
    async remove() {
      await this.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The most memory that the page's process and its workers ever held, in bytes. Undefined where the system cannot tell. */
export async function peakMemory(page) {
  const session = await page.context().browser()?.newBrowserCDPSession?.().catch(() => undefined);
  if (!session) return undefined;
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const peaks = await Promise.all(processInfo.filter(({ type }) => type === "renderer").map(({ id }) => highWater(id)));
  await session.detach();
  return peaks.length > 0 ? Math.max(...peaks) : undefined;
}

async function highWater(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
