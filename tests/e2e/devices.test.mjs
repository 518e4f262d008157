// Two devices on one page: what each switch does can be seen, and the devices agree in the end.
import assert from "node:assert/strict";
import { violations } from "./axe.mjs";
import { DESKTOP } from "./browser.mjs";
import { scenario, scenarioAtEachSize } from "./world.mjs";

/** Opens the page with both devices, and gives their parts. */
async function openBoth({ server, device, size }) {
  const { context } = await device({ key: "" });
  const page = await context.newPage();
  await page.setViewportSize(size);
  await page.goto(new URL("/devices.html", server.url).href);
  assert.deepEqual(await violations(page), []);
  await page.getByLabel("API key").fill(server.key);
  await page.getByRole("button", { name: "Open both" }).click();
  const part = (name) => {
    const section = page.getByRole("region", { name, exact: true });
    const frame = section.locator("iframe").contentFrame();
    const dialog = frame.getByRole("dialog");
    // On a phone the devices stand below each other: a person scrolls to the one in use.
    const show = () => section.locator("iframe").evaluate((shown) => shown.scrollIntoView({ block: "center" }));
    const press = async (button) => {
      await show();
      await frame.getByRole("button", { name: button, exact: true }).click();
    };
    return {
      section,
      frame,
      press,
      pill: frame.getByRole("status"),
      switch: (label) => section.getByRole("switch", { name: label }),
      log: (exercise) => frame.getByRole("listitem").filter({ hasText: exercise }),
      synced: () => frame.locator('[role="status"][data-state="idle"][data-pending="0"]', { hasText: /^Synced$/ }).waitFor(),
      go: async (screen) => {
        await show();
        await frame.getByRole("navigation").getByRole("link", { name: screen }).click();
      },
      async add(exercise) {
        await press("Add a log");
        await dialog.getByLabel("Exercise").fill(exercise);
        await dialog.getByRole("button", { name: "Add", exact: true }).click();
        await frame.getByRole("heading", { name: exercise, exact: true }).waitFor();
      },
      async edit(exercise, note) {
        await press(`Edit ${exercise}`);
        await dialog.getByLabel("Note").fill(note);
        await dialog.getByRole("button", { name: "Save" }).click();
        await dialog.waitFor({ state: "detached" });
      },
    };
  };
  const held = page.getByRole("region", { name: "Server" });
  const [phone, laptop] = [part("Phone"), part("Laptop")];
  // Both have the same log to begin with.
  await phone.add("Squat");
  await phone.synced();
  await laptop.press("Sync now");
  await laptop.log("Squat").waitFor();
  await laptop.synced();
  return { page, phone, laptop, onServer: (exercise) => held.getByRole("listitem").filter({ hasText: exercise }) };
}

scenarioAtEachSize("two devices on one page: switches for offline and a failing server, and the last write wins", async (world) => {
  const { page, phone, laptop, onServer } = await openBoth(world);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await violations(page), []);
  }
  await phone.switch("Offline").check();
  await laptop.switch("Failing server").check();
  await phone.edit("Squat", "phone, earlier");
  await laptop.edit("Squat", "laptop, later");
  await phone.pill.filter({ hasText: "Offline" }).waitFor();
  await laptop.pill.filter({ hasText: "Sync failed" }).waitFor();
  await phone.log("Squat").filter({ hasText: "Not sent yet" }).waitFor();

  // What failed, and that it is tried again, can be read; the retry needs nobody.
  await laptop.go("Sync");
  await laptop.frame.getByRole("region", { name: "Newest events" }).getByText(/ failed: .+\(\w+\)$/).first().waitFor();
  await laptop.switch("Failing server").uncheck();
  await laptop.synced();
  await onServer("Squat").filter({ hasText: "laptop, later" }).waitFor();
  await laptop.go("Today");

  await phone.switch("Offline").uncheck();
  await phone.press("Sync now");
  await phone.synced();
  for (const { log } of [phone, laptop]) await log("Squat").filter({ hasText: "laptop, later" }).waitFor();
});

scenario("two devices on one page: a soft delete made offline leaves the other device, and the server keeps its mark", async (world) => {
  const { phone, laptop, onServer } = await openBoth({ ...world, size: DESKTOP });
  await phone.switch("Offline").check();
  await phone.press("Delete Squat");
  await phone.log("Squat").waitFor({ state: "detached" });
  await phone.pill.filter({ hasText: "Offline · 1 waiting" }).waitFor();
  assert.equal(await laptop.log("Squat").count(), 1);
  assert.equal(await onServer("Squat").getByText("deleted", { exact: true }).count(), 0);
  await phone.switch("Offline").uncheck();
  await phone.press("Sync now");
  await phone.synced();
  await onServer("Squat").getByText("deleted", { exact: true }).waitFor();
  await laptop.press("Sync now");
  await laptop.log("Squat").waitFor({ state: "detached" });
});

scenario("two devices on one page: on a slow network a sync is seen at work, an edit made meanwhile goes next, and nothing waits for it", async (world) => {
  const { phone, laptop, onServer } = await openBoth({ ...world, size: DESKTOP });
  await phone.switch("Slow network").check();
  await phone.edit("Squat", "on a slow network");
  await phone.pill.filter({ hasText: "Syncing" }).waitFor();
  await phone.add("Row");
  await phone.log("Row").filter({ hasText: "Not sent yet" }).waitFor();
  await laptop.add("Dip");
  await laptop.synced();
  await phone.switch("Slow network").uncheck();
  await phone.synced();
  for (const exercise of ["Squat", "Row", "Dip"]) await onServer(exercise).waitFor();
  await laptop.press("Sync now");
  await laptop.log("Squat").filter({ hasText: "on a slow network" }).waitFor();
  await laptop.log("Row").waitFor();
});

scenario("two devices on one page: a clock that is an hour ahead does not win over a later edit", async (world) => {
  const { page, phone, laptop, onServer } = await openBoth({ ...world, size: DESKTOP });
  await laptop.switch("Clock an hour ahead").check();
  await laptop.edit("Squat", "laptop, by a wrong clock");
  await laptop.synced();
  await onServer("Squat").filter({ hasText: "laptop, by a wrong clock" }).waitFor();
  const ahead = await clockOf(page, "device-laptop") - (await clockOf(page, "device-phone"));
  assert.ok(ahead > 3_000_000, `the laptop's clock is ${ahead} ms ahead`);

  await phone.press("Sync now");
  await phone.log("Squat").filter({ hasText: "laptop, by a wrong clock" }).waitFor();
  await phone.edit("Squat", "phone, later");
  await phone.synced();
  await laptop.press("Sync now");
  for (const { log } of [phone, laptop]) await log("Squat").filter({ hasText: "phone, later" }).waitFor();
  await onServer("Squat").filter({ hasText: "phone, later" }).waitFor();
});

/** What the clock in a device's worker says. */
async function clockOf(page, database) {
  for (const worker of page.workers()) {
    const [name, now] = await worker.evaluate(() => [self.name, Date.now()]);
    if (name === database) return now;
  }
  throw new Error(`no worker of ${database}`);
}

scenario("two devices on one page: a conflict is asked about, both copies are shown, and one is kept", async (world) => {
  const { phone, laptop, onServer } = await openBoth({ ...world, size: DESKTOP });
  await phone.press("Settings");
  await phone.frame.getByLabel("When two devices changed one record").selectOption("manual");
  await phone.frame.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await phone.frame.getByRole("dialog").waitFor({ state: "detached" });
  await phone.log("Squat").waitFor();
  await phone.switch("Offline").check();
  await phone.edit("Squat", "the phone's");
  await phone.pill.filter({ hasText: "Offline · 1 waiting" }).waitFor();
  await laptop.edit("Squat", "the laptop's");
  await laptop.synced();
  await onServer("Squat").filter({ hasText: "the laptop's" }).waitFor();
  await phone.switch("Offline").uncheck();
  await phone.press("Sync now");
  await phone.pill.filter({ hasText: "1 in conflict" }).waitFor();
  await phone.go("Sync");
  const conflict = phone.frame.locator(".conflict");
  await conflict.filter({ hasText: "the phone's" }).filter({ hasText: "the laptop's" }).waitFor();
  await conflict.getByRole("button", { name: "Keep mine" }).click();
  await phone.synced();
  await onServer("Squat").filter({ hasText: "the phone's" }).waitFor();
  await laptop.press("Sync now");
  await laptop.log("Squat").filter({ hasText: "the phone's" }).waitFor();
});
