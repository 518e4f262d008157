// What one test needs: a server process and devices, closed again whatever happens.
import { test } from "node:test";
import { openApp } from "./app.mjs";
import { DESKTOP, openProfile, PHONE } from "./browser.mjs";
import { keeping } from "./keep.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

/** A test with a server of its own. `world.device()` opens the page in a new browser profile, at phone size. */
export function scenario(name, body) {
  test(name, { timeout: TEST_MAX_MS }, () => inWorld(PHONE, body));
}

/** The same flow twice: on pages as narrow as a phone's and as wide as a desktop's. `world.size` is that of the page. */
export function scenarioAtEachSize(name, body) {
  test(name, { timeout: TEST_MAX_MS }, async (context) => {
    for (const size of [PHONE, DESKTOP]) await context.test(`${size.width} px wide`, () => inWorld(size, body));
  });
}

function inWorld(size, body) {
  return keeping(async (keep) => {
    const server = keep(await startServer());
    await body({
      size,
      server,
      proxy: async () => keep(await startProxy(() => server.url)),
      device: async ({ url = server.url, key = server.key, ...options } = {}) => {
        const profile = keep(await openProfile({ viewport: size }));
        return openApp(profile.context, url, { key, ...options });
      },
    });
  });
}

const TEST_MAX_MS = 480_000;
