// The pictures of the README and the docs, made from the real demo with a year of data: every one can be made, and shows
// what it should. `LASTWORD_PICTURES=../../docs/images npm run pictures` keeps them.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scenario } from "./world.mjs";

const KEPT = process.env.LASTWORD_PICTURES;
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };
/** Longest wait for 5,000 records on a busy machine. */
const LARGE_MS = 120_000;

scenario("the pictures of the documentation are made from the page as it is", async ({ server, device }) => {
  const folder = KEPT ?? (await mkdtemp(join(tmpdir(), "lastword-pictures-")));
  await mkdir(folder, { recursive: true });
  const app = await device();
  const picture = async (name, { size = DESKTOP, colorScheme = "light" } = {}) => {
    await app.page.setViewportSize(size);
    await app.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const path = join(folder, `${name}.png`);
    await app.page.screenshot({ path });
    assert.ok((await stat(path)).size > 5_000, name);
  };
  await app.add({ exercise: "Deadlift", sets: 1, reps: 5, weight: 140 });
  await app.add({ exercise: "Bench press", sets: 3, reps: 8, weight: 60 });
  await app.add({ exercise: "Back squat", sets: 3, reps: 5, weight: 102.5, note: "Felt light. Keep the elbows down." });
  await app.synced();

  // Wide enough for both: a frame out of sight is not drawn.
  await app.page.setViewportSize(DESKTOP);
  await app.page.goto(new URL("/devices.html", server.url).href);
  const parts = ["Phone", "Laptop"].map((name) => {
    const section = app.page.getByRole("region", { name, exact: true });
    return { section, frame: section.locator("iframe").contentFrame() };
  });
  for (const { frame } of parts) await frame.getByRole("heading", { name: "Back squat" }).waitFor();
  const [{ section, frame: phone }] = parts;
  await section.getByRole("switch", { name: "Offline" }).check();
  await phone.getByRole("button", { name: "Edit Deadlift" }).click();
  await phone.getByRole("dialog").getByLabel("Note").fill("Edited while offline");
  await phone.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await phone.getByRole("status").filter({ hasText: "Offline" }).waitFor();
  await picture("two-devices");

  await app.page.goto(app.address);
  await app.ready();
  await app.go("sync");
  await app.press("Add a year of sample data");
  await app.page.getByRole("button", { name: "Add a year of sample data" }).waitFor({ timeout: LARGE_MS });
  await app.synced(LARGE_MS);
  await app.go("today");
  await picture("demo-phone", { size: PHONE });
  await picture("demo-desktop");
  await app.go("progress");
  await app.page.getByRole("img", { name: /^Body weight: / }).waitFor();
  await picture("demo-dark", { colorScheme: "dark" });
  await app.go("sync");
  await picture("sync-screen");
});
