// What a page is told during a large pull is few and small messages: its thread has time for its user. Never looks at a time.
import assert from "node:assert/strict";
import { barePage } from "./bare.mjs";
import file from "../../www/entities.json" with { type: "json" };

const ENTITY = "workout-logs";
const RECORDS = 4_000;
const PAGE = 500;

barePage("a pull costs a page a few messages for each page of records, none of them large", async ({ server, page }) => {
  const now = Date.now();
  const times = { clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false };
  for (let at = 0; at < RECORDS; at += PAGE) {
    await server.push(ENTITY, Array.from({ length: PAGE }, () => ({
      id: crypto.randomUUID(), ...times, exercise: "Squat", performedAt: now, note: "x".repeat(200), sets: [{ reps: 5, weight: 100 }],
    })));
  }
  const { pulled, messages } = await page.evaluate(async ([entities, token, pageRecords]) => {
    const messages = [];
    // The worker answers calls on itself, and sends events through a port.
    for (const { prototype } of [Worker, MessagePort]) {
      const { addEventListener } = prototype;
      prototype.addEventListener = function (type, ...rest) {
        if (type === "message") addEventListener.call(this, type, ({ data }) => messages.push(JSON.stringify(data).length));
        addEventListener.call(this, type, ...rest);
      };
    }
    globalThis.sync = await createSync({ database: "bare", entities, backend: { url: "/", pageRecords }, token, autoStart: false });
    messages.length = 0;
    const { pulled } = await sync.syncNow();
    return { pulled, messages };
  }, [{ [ENTITY]: { ...file.entities[ENTITY], references: {} } }, server.key, PAGE]);
  assert.equal(pulled, RECORDS);
  const pages = RECORDS / PAGE;
  assert.ok(messages.length >= pages, `${messages.length} messages are too few to have been counted`);
  assert.ok(messages.length <= 4 * pages + 20, `${messages.length} messages for ${pages} pages`);
  // The ids of a page, and little else.
  const largest = Math.max(...messages);
  assert.ok(largest <= PAGE * 40 + 1_000, `a message of ${largest} characters`);
});
