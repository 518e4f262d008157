// What one test needs: a server process and devices, closed again whatever happens.
import { test } from "node:test";
import { openApp } from "./app.mjs";
import { openProfile } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

/** A test with a server of its own. `world.device()` opens the page in a new browser profile. */
export function scenario(name, body) {
  test(name, { timeout: TEST_MAX_MS }, async () => {
    const opened = [];
    const keep = (thing) => {
      opened.push(thing);
      return thing;
    };
    try {
      const server = keep(await startServer());
      await body({
        server,
        proxy: async () => keep(await startProxy(() => server.url)),
        device: async ({ url = server.url, key = server.key, ...options } = {}) => {
          const profile = keep(await openProfile());
          return openApp(profile.context, url, { key, ...options });
        },
      });
    } finally {
      for (const thing of opened.reverse()) await thing.close();
    }
  });
}

const TEST_MAX_MS = 480_000;
