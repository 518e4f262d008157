// The demo as a person uses it, on a phone and on a desktop: what each screen is for.
import assert from "node:assert/strict";
import { violations } from "./axe.mjs";
import { scenario, scenarioAtEachSize } from "./world.mjs";

scenarioAtEachSize("library, plan and progress: what is added is shown, synced, and used elsewhere", async ({ server, device }) => {
  const app = await device();
  await app.go("library");
  await app.fill("Add an exercise", { Name: "Front squat", Muscle: "legs", Equipment: "barbell" });
  await app.shows("Front squat", "legs · barbell");

  await app.go("plan");
  await app.fill("Add a template", { Name: "Leg day", "Exercises, as “Squat 3x5, Bench press 3x8”": "Front squat 4x6, Plank" });
  await app.shows("Leg day", "Front squat 4 × 6, Plank 3 × 5");
  await app.fill("Add a program", { Name: "Eight weeks", Weeks: "8", "Day 1 template": "Leg day" });
  await app.press("Begin Eight weeks");
  await app.shows("Eight weeks", "Active · 8 weeks · Day 1: Leg day");
  await app.fill("Add a progression rule", { Exercise: "Front squat", "Step in kilograms": "2.5", "Every so many sessions": "2" });
  await app.press("Step up Front squat");
  await app.shows("Front squat", "now 22.5 kg");

  await app.go("progress");
  await app.fill("Add a goal", { Goal: "Squat 140 kg", Target: "140", Unit: "kg" });
  await app.press("Reached: Squat 140 kg");
  await app.shows("Squat 140 kg", "reached");

  await app.go("today");
  await app.page.getByText("Eight weeks · week 1 of 8").waitFor();
  await app.press("Day 1: Leg day");
  await app.shows("Front squat", "4 × 6 × 20 kg");
  await app.shows("Plank", "3 × 5 × 20 kg");
  await app.synced();
  const counts = {};
  for (const entity of ["exercise-definitions", "workout-templates", "program-definitions", "active-program-instances", "progression-rules", "applied-progression-logs", "user-goals", "workout-logs"]) {
    counts[entity] = (await server.records(entity)).size;
  }
  assert.deepEqual(Object.values(counts), [1, 1, 1, 1, 1, 1, 1, 2], JSON.stringify(counts));
  assert.deepEqual(app.errors, []);
});

scenario("a program has days that are added, put in order and removed, and trains their templates", async ({ server, device }) => {
  const app = await device();
  await app.go("plan");
  const template = "Exercises, as “Squat 3x5, Bench press 3x8”";
  await app.fill("Add a template", { Name: "Legs", [template]: "Squat 3x5" });
  await app.fill("Add a template", { Name: "Push", [template]: "Press 2x8, Dip 2x10" });
  await app.press("Add a program");
  const dialog = app.page.getByRole("dialog");
  const press = (name) => dialog.getByRole("button", { name, exact: true }).click();
  const fill = (name, text) => dialog.getByLabel(name, { exact: true }).fill(text);
  await fill("Name", "Three days");
  await fill("Day 1 template", "Legs");
  await press("Add a day");
  await fill("Day 2 template", "Push");
  await press("Add a day");
  await fill("Day 3 name", "Short day");
  await fill("Day 3 template", "Legs");
  await press("Move day 3 up");
  assert.equal(await focused(app.page), "Move day 2 up", "the focus goes with the day");
  await press("Move day 2 up");
  assert.equal(await focused(app.page), "Move day 1 down");
  await press("Add");
  await app.shows("Three days", "8 weeks · Short day: Legs, Day 1: Legs, Day 2: Push");

  await app.press("Edit Three days");
  await press("Remove day 2");
  assert.equal(await focused(app.page), "Add a day");
  await press("Save");
  await app.shows("Three days", "8 weeks · Short day: Legs, Day 2: Push");
  await app.press("Begin Three days");
  await app.shows("Three days", "Active");
  await app.go("today");
  await app.press("Day 2: Push");
  await app.shows("Press", "2 × 8 × 20 kg");
  await app.shows("Dip", "2 × 10 × 20 kg");
  await app.synced();
  const [program] = [...(await server.records("program-definitions")).values()];
  assert.deepEqual(program.days, [{ name: "Short day", template: "Legs" }, { name: "Day 2", template: "Push" }]);
  assert.deepEqual(app.errors, []);
});

scenario("the settings of a person travel: pounds, the rest, and the first day of the week", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  await phone.add({ exercise: "Squat", reps: 5, weight: 100 });
  await phone.page.getByRole("button", { name: "Settings" }).click();
  const dialog = phone.page.getByRole("dialog");
  await dialog.getByLabel("Weights in").selectOption("lb");
  await dialog.getByLabel("Rest in seconds").fill("90");
  await dialog.getByLabel("Week begins on").selectOption("Sunday");
  await dialog.getByRole("button", { name: "Save" }).click();
  await phone.shows("Squat", "1 × 5 × 220.46 lb");
  await phone.page.getByRole("button", { name: "Rest 1:30" }).waitFor();
  await phone.synced();
  const { unit, restSeconds, weekStartsOn } = [...(await server.records("user-settings")).values()][0];
  assert.deepEqual({ unit, restSeconds, weekStartsOn }, { unit: "lb", restSeconds: 90, weekStartsOn: 0 });

  // The other device shows the same; what is written in pounds is stored in kilograms.
  await laptop.syncNow();
  await laptop.shows("Squat", "1 × 5 × 220.46 lb");
  await laptop.add({ exercise: "Row", reps: 8, weight: 225 });
  await laptop.shows("Row", "1 × 8 × 225 lb");
  await laptop.synced();
  const row = [...(await server.records("workout-logs")).values()].find(({ exercise }) => exercise === "Row");
  assert.deepEqual(row.sets, [{ reps: 8, weight: 102.058 }]);

  // A second change updates the record that is there.
  await laptop.page.getByRole("button", { name: "Settings" }).click();
  await laptop.page.getByLabel("Weights in").selectOption("kg");
  await laptop.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await laptop.shows("Squat", "1 × 5 × 100 kg");
  await laptop.synced();
  assert.equal((await server.records("user-settings")).size, 1);
});

scenarioAtEachSize("asked about conflicts, a person sees both copies and picks: mine, the server's, or a mix", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  await phone.askAboutConflicts();
  for (const exercise of ["Squat", "Bench", "Row"]) await phone.add({ exercise, note: "as made", weight: 100 });
  await phone.synced();
  await laptop.syncNow();
  await phone.context.setOffline(true);
  for (const exercise of ["Squat", "Bench", "Row"]) {
    await laptop.edit(exercise, { note: "on the laptop", weight: 90 });
    await phone.edit(exercise, { note: "on the phone", weight: 110 });
  }
  await laptop.synced();
  await phone.context.setOffline(false);
  await phone.pill.filter({ hasText: "3 in conflict" }).waitFor();

  await phone.go("sync");
  const conflict = (exercise) => phone.page.locator(".conflict").filter({ hasText: exercise });
  assert.deepEqual(await violations(phone.page), []);
  await conflict("Squat").getByRole("button", { name: "Keep mine" }).click();
  await conflict("Bench").getByRole("button", { name: "Keep the server's" }).click();
  await conflict("Row").getByRole("radio", { name: "on the laptop" }).check();
  await conflict("Row").getByRole("button", { name: "Keep this mix" }).click();
  await phone.synced();
  const notes = Object.fromEntries([...(await server.records("workout-logs")).values()].map(({ exercise, note, sets }) => [exercise, `${note}, ${sets[0].weight} kg`]));
  assert.deepEqual(notes, { Squat: "on the phone, 110 kg", Bench: "on the laptop, 90 kg", Row: "on the laptop, 110 kg" });
});

scenarioAtEachSize("G12, S4, M7: the status is shown everywhere, and the sync screen tells and does the rest", async ({ proxy, server, device }) => {
  const front = await proxy();
  const app = await device({ url: front.url });
  await app.synced();
  await app.page.getByText(/^Last sync /).waitFor();
  // Held back until the page was seen syncing.
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  front.answer = ({ method }) => (method === "POST" ? held : undefined);
  await app.add({ exercise: "Squat" });
  await app.shows("Squat", "Not sent yet");
  await app.state("syncing");
  front.answer = () => undefined;
  release();
  await app.synced();

  // Refused: why, and try again.
  front.answer = ({ method, body }) => method === "POST"
    ? { body: { results: JSON.parse(body).records.map(({ id }) => ({ id, status: "rejected", code: "forbidden", message: "the month is closed" })) } }
    : undefined;
  await app.add({ exercise: "Row" });
  await app.add({ exercise: "Dip" });
  await app.pill.filter({ hasText: "2 refused" }).waitFor();
  await app.go("sync");
  const refused = app.page.getByRole("region", { name: "Refused" });
  await refused.getByRole("listitem").filter({ hasText: "Row" }).filter({ hasText: "the month is closed" }).waitFor();
  assert.deepEqual(await violations(app.page), []);
  front.answer = () => undefined;
  await refused.getByRole("button", { name: "Try again: Row" }).click();
  await app.pill.filter({ hasText: "1 refused" }).waitFor();
  await refused.getByRole("button", { name: "Try all again" }).click();
  await app.synced();
  assert.deepEqual([...(await server.records("workout-logs")).values()].map(({ exercise }) => exercise).sort(), ["Dip", "Row", "Squat"]);

  // Without a connection: what waits, by name.
  await server.stop();
  await app.go("today");
  await app.edit("Squat", { note: "offline" });
  await app.state("offline");
  await app.go("sync");
  await app.page.getByRole("region", { name: "Waiting to be sent" }).getByRole("listitem").filter({ hasText: "Squat" }).filter({ hasText: "changed" }).waitFor();
  await server.start();
  await app.syncNow();
  await app.synced();

  // The device, and the switch.
  await app.page.locator("code").filter({ hasText: /^[0-9a-f-]{36}$/ }).waitFor();
  await app.page.getByRole("button", { name: "Settings" }).first().click();
  await app.page.getByRole("dialog").getByRole("switch", { name: "Sync with the server" }).uncheck();
  await app.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await app.pill.filter({ hasText: "Sync off" }).waitFor();
  assert.equal(await app.page.getByRole("button", { name: "Sync now" }).isDisabled(), true);
  await app.go("today");
  await app.add({ exercise: "Curl" });
  await app.pill.filter({ hasText: "Sync off · 1 waiting" }).waitFor();
  assert.equal((await server.records("workout-logs")).size, 3);
});

scenarioAtEachSize("the pill says each state in words: sign-in needed, failed, syncing with its progress", async ({ proxy, server, device }) => {
  const front = await proxy();
  const app = await device({ url: front.url, key: "not-a-key" });
  await app.pill.filter({ hasText: "Sign-in needed" }).waitFor();
  await app.go("sync");
  await app.page.getByRole("region", { name: "Status", exact: true }).filter({ hasText: "sign-in needed" }).waitFor();
  assert.deepEqual(await violations(app.page), []);

  await app.go("today");
  front.answer = ({ path }) => (path.startsWith("/api/") ? { status: 503, body: { error: { code: "unavailable", message: "down for a while", retryable: true } } } : undefined);
  await app.signIn(server.key);
  await app.pill.filter({ hasText: "Sync failed" }).waitFor();
  assert.deepEqual(await violations(app.page), []);

  // Held at the second page: what has come by then, of all there is.
  const stamp = Date.now() - 100_000;
  const log = (at) => ({ id: `log-${at}`, exercise: "Squat", performedAt: stamp, sets: [{ reps: 5, weight: 60 }], clientCreatedAt: stamp, clientUpdatedAt: stamp + at, isDeleted: false });
  for (let from = 0; from < LOGS; from += 500) await server.push("workout-logs", Array.from({ length: 500 }, (_, at) => log(from + at)));
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  front.answer = ({ url }) => (url.startsWith("/api/v1/workout-logs?") && url.includes("since=") ? held : undefined);
  await app.syncNow();
  await app.pill.filter({ hasText: /^Syncing [\d,]+ of [\d,]+$/ }).waitFor();
  assert.deepEqual(await violations(app.page), []);
  release();
  front.answer = () => undefined;
  await app.synced();
  assert.equal((await app.rows("e2e", "workout-logs")).length, LOGS);
});

scenario("a log that cannot be opened says why, and that nothing is lost", async ({ device }) => {
  const { page } = await device({ key: "" });
  await page.evaluate(() => new Promise((resolve, reject) => {
    const open = indexedDB.open("of-another-app");
    open.onupgradeneeded = () => open.result.createObjectStore("workout-logs", { keyPath: "number" });
    open.onerror = () => reject(open.error);
    open.onsuccess = () => resolve(open.result.close());
  }));
  await page.goto(new URL("?db=of-another-app", page.url()).href);
  await page.getByRole("heading", { name: "The log cannot be opened" }).waitFor();
  await page.getByRole("alert").filter({ hasText: "workout-logs" }).waitFor();
  assert.deepEqual(await violations(page), []);
});

scenarioAtEachSize("signing out says what was never sent, and leaves or deletes the logs", async ({ server, device }) => {
  const app = await device();
  await app.add({ exercise: "Squat" });
  await app.synced();
  await server.stop();
  await app.add({ exercise: "Row" });
  await app.state("offline");
  const signOut = async (choice) => {
    await app.go("sync");
    await app.press("Sign out…");
    const dialog = app.page.getByRole("dialog", { name: "Sign out" });
    await dialog.getByText("1 edit was never sent.").waitFor();
    assert.deepEqual(await violations(app.page), []);
    await dialog.getByRole("button", { name: choice }).click();
    // The page opens anew.
    await dialog.waitFor({ state: "detached" });
    await app.pill.filter({ hasText: "Sync off" }).waitFor();
    await app.go("today");
  };
  await signOut("Keep the logs here");
  await app.shows("Row", "Not sent yet");
  await app.signIn(server.key);
  await app.state("offline");
  await signOut("Delete them from this device");
  await app.page.getByText("Nothing logged today.").waitFor();
  assert.equal(await app.page.evaluate((key) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]).includes(key), server.key), false);
});

scenario("the page opens without a network once it was open", async ({ server, device }) => {
  const phone = await device({ key: "" });
  await phone.add({ exercise: "Squat" });
  await phone.page.evaluate(() => navigator.serviceWorker.ready);
  await phone.page.close();
  await server.stop();
  await phone.open();
  await phone.shows("Squat", "kg");
  await phone.add({ exercise: "Bench press" });
});

/** More than a page of a pull. */
const LOGS = 1500;

/** What the element that has the focus is called. */
function focused(page) {
  return page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
}
