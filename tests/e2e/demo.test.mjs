// The demo as a person meets it: every screen, at phone and desktop size, in both themes, and what each is for.
import assert from "node:assert/strict";
import { violations } from "./axe.mjs";
import { scenario } from "./world.mjs";

/** Longest wait for 5,000 records on a busy machine. */
const LARGE_MS = 180_000;
const SIZES = [{ width: 360, height: 740 }, { width: 1280, height: 900 }];

scenario("every screen passes the accessibility rules at phone and desktop size, in light and dark", async ({ device }) => {
  const app = await device();
  await app.add({ exercise: "Squat", note: "Kept" });
  await app.go("library");
  await app.fill("Add an exercise", { Name: "Squat" });
  await app.go("progress");
  await app.fill("Add a weight", { "Weight in kilograms": "80.5" });
  await app.fill("Add a weight", { "Weight in kilograms": "80.1" });
  for (const size of SIZES) {
    await app.page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await app.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const screen of ["today", "history", "library", "plan", "progress", "sync"]) {
        await app.go(screen);
        assert.deepEqual(await violations(app.page), [], `${screen} at ${size.width} px, ${colorScheme}`);
        const wider = await app.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wider <= 0, `${screen} scrolls sideways by ${wider} px at ${size.width} px`);
      }
      await app.page.getByRole("button", { name: "Settings" }).first().click();
      assert.deepEqual(await violations(app.page), [], `settings at ${size.width} px, ${colorScheme}`);
      await app.page.getByRole("button", { name: "Close" }).click();
    }
  }
  assert.deepEqual(app.errors, []);
});

scenario("library, plan and progress: what is added is shown, synced, and used elsewhere", async ({ server, device }) => {
  const app = await device();
  await app.go("library");
  await app.fill("Add an exercise", { Name: "Front squat", Muscle: "legs", Equipment: "barbell" });
  await app.shows("Front squat", "legs · barbell");

  await app.go("plan");
  await app.fill("Add a template", { Name: "Leg day", "Exercises, as “Squat 3x5, Bench press 3x8”": "Front squat 4x6, Plank" });
  await app.shows("Leg day", "Front squat 4 × 6, Plank 3 × 5");
  await app.fill("Add a program", { Name: "Eight weeks", Weeks: "8", "Template of its first day": "Leg day" });
  await app.press("Begin Eight weeks");
  await app.shows("Eight weeks", "active");
  await app.fill("Add a progression rule", { Exercise: "Front squat", "Step in kilograms": "2.5", "Every so many sessions": "2" });
  await app.press("Step up Front squat");
  await app.shows("Front squat", "now 22.5 kg");

  await app.go("progress");
  await app.fill("Add a goal", { Goal: "Squat 140 kg", Target: "140", Unit: "kg" });
  await app.press("Reached: Squat 140 kg");
  await app.shows("Squat 140 kg", "reached");

  await app.go("today");
  await app.press("Start Leg day");
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

scenario("a year of sample data, 5,000 records over ten entities, reaches another device", async ({ server, device }) => {
  const phone = await device();
  await phone.go("sync");
  await phone.press("Add a year of sample data");
  await phone.page.getByRole("button", { name: "Add a year of sample data" }).waitFor();
  await phone.synced(LARGE_MS);
  const entities = Object.keys((await import("../../www/entities.json", { with: { type: "json" } })).default.entities);
  let total = 0;
  for (const entity of entities) {
    const { size } = await server.records(entity);
    assert.ok(size > 0, entity);
    total += size;
  }
  assert.equal(total, 5000);

  const laptop = await device();
  await laptop.synced(LARGE_MS);
  let rows = 0;
  for (const entity of entities) rows += (await laptop.rows("e2e", entity)).length;
  assert.equal(rows, 5000);
  await laptop.go("history");
  await laptop.page.getByText(/^4,155 logs$/).waitFor();
  await laptop.go("progress");
  await laptop.page.getByRole("img", { name: /^Body weight: / }).waitFor();
});

scenario("asked about conflicts, a person sees both copies and picks: mine, the server's, or a mix", async ({ server, device }) => {
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

scenario("G12, S4, M7: the status is shown everywhere, and the sync screen tells and does the rest", async ({ proxy, server, device }) => {
  const front = await proxy();
  const app = await device({ url: front.url });
  await app.synced();
  const places = () => app.page.evaluate(() => ["main", "nav", ".sync-actions"].map((part) => {
    const { x, y } = document.querySelector(part).getBoundingClientRect();
    return [x, y];
  }));
  const before = await places();
  await app.page.getByText(/^Last sync /).waitFor();
  // Held back until the page was seen syncing.
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  front.answer = ({ method }) => (method === "POST" ? held : undefined);
  await app.add({ exercise: "Squat" });
  await app.shows("Squat", "Not sent yet");
  await app.state("syncing");
  assert.deepEqual(await places(), before, "nothing moves while syncing");
  front.answer = () => undefined;
  release();
  await app.synced();
  assert.deepEqual(await places(), before);

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

scenario("signing out says what was never sent, and leaves or deletes the logs", async ({ server, device }) => {
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

scenario("two devices on one page: switches for offline and a failing server, and the last write wins", async ({ server, device }) => {
  const { context } = await device({ key: "" });
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(new URL("/devices.html", server.url).href);
  assert.deepEqual(await violations(page), []);
  await page.getByLabel("API key").fill(server.key);
  await page.getByRole("button", { name: "Open both" }).click();
  const part = (name) => {
    const section = page.getByRole("region", { name, exact: true });
    const frame = section.locator("iframe").contentFrame();
    return { section, frame, pill: frame.getByRole("status"), entry: (exercise) => frame.getByRole("listitem").filter({ hasText: exercise }) };
  };
  const [phone, laptop] = [part("Phone"), part("Laptop")];
  const edit = async ({ frame }, exercise, note) => {
    await frame.getByRole("button", { name: `Edit ${exercise}` }).click();
    await frame.getByRole("dialog").getByLabel("Note").fill(note);
    await frame.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  };
  await phone.frame.getByRole("button", { name: "Add a log" }).click();
  await phone.frame.getByRole("dialog", { name: "Add a log" }).getByLabel("Exercise").fill("Squat");
  await phone.frame.getByRole("button", { name: "Add", exact: true }).click();
  await phone.pill.filter({ hasText: /^Synced$/ }).waitFor();
  await laptop.frame.getByRole("button", { name: "Sync now" }).click();
  await laptop.entry("Squat").waitFor();

  await phone.section.getByRole("switch", { name: "Offline" }).check();
  await laptop.section.getByRole("switch", { name: "Failing server" }).check();
  await edit(phone, "Squat", "phone, earlier");
  await edit(laptop, "Squat", "laptop, later");
  await phone.pill.filter({ hasText: "Offline" }).waitFor();
  await laptop.pill.filter({ hasText: "Sync failed" }).waitFor();
  await laptop.section.getByRole("switch", { name: "Failing server" }).uncheck();
  await phone.section.getByRole("switch", { name: "Offline" }).uncheck();
  for (const { frame, pill } of [laptop, phone]) {
    await frame.getByRole("button", { name: "Sync now" }).click();
    await pill.filter({ hasText: /^Synced$/ }).waitFor();
  }
  await phone.entry("Squat").filter({ hasText: "laptop, later" }).waitFor();
  await laptop.entry("Squat").filter({ hasText: "laptop, later" }).waitFor();
});
