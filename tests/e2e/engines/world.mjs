// One scenario on one engine: the real server, and devices that are origins of their own in one browser.
import { test } from "node:test";
import { bareAnswer } from "../bare-page.mjs";
import { keeping } from "../keep.mjs";
import { startProxy } from "../proxy.mjs";
import { startServer } from "../server.mjs";
import { openDevice } from "../system.mjs";
import file from "../../../www/entities.json" with { type: "json" };

/** The entity of the scenarios. */
export const ENTITY = "workout-logs";
export const ENTITIES = { [ENTITY]: { ...file.entities[ENTITY], references: {} } };

/** A valid log as the app writes it. */
export const log = (exercise, fields) => ({ exercise, performedAt: 1, sets: [{ reps: 5, weight: 100 }], ...fields });

/** The same as another device would have sent it. */
export function sent(exercise, fields) {
  const now = Date.now();
  return { id: crypto.randomUUID(), clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false, ...log(exercise), ...fields };
}

/**
 * Makes a `test(name, body)` for an engine. `device()` is an origin of its own, with its own storage and its own proxy
 * before the server (`device.front`); `device.tab()` opens the same origin once more, `device.load()` in the same window.
 */
export function scenarios(engine) {
  return (title, body) => test(title, { timeout: TEST_MAX_MS }, () => keeping(async (keep) => {
    const server = keep(await startServer());
    const device = async (own = {}) => {
      const front = keep(await startProxy(() => server.url));
      front.answer = bareAnswer;
      const options = { database: "engines", entities: ENTITIES, backend: { url: "/" }, token: server.key, autoStart: false, intervalMs: NEVER_MS, ...own };
      const openIn = async (page) => {
        const device = await openDevice({ newPage: async () => page }, front.url, options);
        return Object.assign(device, { front, options, load: () => openIn(page), tab: async () => openIn(keep(await engine().newPage())) });
      };
      return openIn(keep(await engine().newPage()));
    };
    await body({ server, device });
  }));
}

/** No timer plays a part. */
const NEVER_MS = 86_400_000;

const TEST_MAX_MS = 300_000;
