// One create, push and pull between two browser profiles against a running demo: `demo-check.mjs <url> <key>`.
import { openApp } from "./app.mjs";
import { openProfile } from "./browser.mjs";

const [url, key] = process.argv.slice(2);
if (!url || !key) {
  console.error("usage: demo-check.mjs <url> <key>");
  process.exit(2);
}

const exercise = `Squat ${Date.now() % 100_000}`;
const profiles = [];
const say = (words) => console.log(`  ${words}`);

/** Opens the page as a new device with a database of its own. */
async function device(name) {
  const profile = await openProfile();
  profiles.push(profile);
  const app = await openApp(profile.context, url, { key, database: "demo-check" });
  await app.synced().catch(async () => {
    throw new Error(`${name}: the status is “${await app.pill.textContent()}”, not “Synced”`);
  });
  say(`${name}: opened the page, signed in with the key, status “Synced”`);
  return app;
}

try {
  const first = await device("first browser");
  await first.add({ exercise, sets: 3, reps: 5, weight: 100, note: "made in the first browser" });
  say(`first browser: added “${exercise}”`);
  await first.synced();
  say("first browser: pushed, nothing is waiting");

  const second = await device("second browser");
  await second.shows(exercise, "made in the first browser");
  const rows = await second.rows("demo-check", "workout-logs");
  const row = rows.find((candidate) => candidate.exercise === exercise);
  if (!row) throw new Error("the log is on the page but not in IndexedDB");
  say(`second browser: pulled “${row.exercise}”, ${row.sets.length} sets, into IndexedDB and shows it`);
  const errors = [...first.errors, ...second.errors];
  if (errors.length > 0) throw errors[0];
} catch (error) {
  console.error(`  failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const profile of profiles) await profile.close();
}
