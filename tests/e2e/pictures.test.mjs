// A year of sample data on two devices, and the pictures of the documentation, made from it. The pictures go to a folder
// of their own and are looked at there; with LASTWORD_PICTURES they are kept in the folder that it names.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DESKTOP, PHONE } from "./browser.mjs";
import { scenario } from "./world.mjs";

/** Longest wait for 5,000 records on a busy machine. */
const LARGE_MS = 180_000;
const KEPT = process.env.LASTWORD_PICTURES;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WIDE = { width: 1280, height: 800 };
/** Every picture, and its size. */
const PICTURES = { "demo-phone": PHONE, "demo-desktop": WIDE, "demo-dark": WIDE, "sync-screen": { width: 1280, height: 1000 }, "two-devices": DESKTOP };

scenario("a year of sample data, 5,000 records over ten entities, reaches another device", async ({ server, device }) => {
  const phone = await device();
  await phone.go("sync");
  await phone.press("Add a year of sample data");
  await phone.page.getByRole("button", { name: "Add a year of sample data" }).waitFor({ timeout: LARGE_MS });
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

  // What the year looks like.
  await laptop.page.emulateMedia({ reducedMotion: "reduce" });
  await laptop.go("today");
  await laptop.add({ exercise: "Deadlift", sets: 1, reps: 5, weight: 140 });
  await laptop.add({ exercise: "Bench press", sets: 3, reps: 8, weight: 60 });
  await laptop.add({ exercise: "Back squat", sets: 3, reps: 5, weight: 102.5, note: "Felt light. Keep the elbows down." });
  await laptop.synced();
  await laptop.page.locator(".mark").first().waitFor({ state: "detached" });
  await picture(laptop.page, "demo-phone");
  await picture(laptop.page, "demo-desktop");
  await laptop.go("progress");
  await laptop.page.getByRole("img", { name: /^Body weight: / }).waitFor();
  await laptop.page.getByText("200 sessions this year").waitFor();
  await picture(laptop.page, "demo-dark", "dark");
  await laptop.go("sync");
  await laptop.page.getByText("Nothing waits.").waitFor();
  await laptop.page.locator("code").filter({ hasText: /^[0-9a-f-]{36}$/ }).waitFor();
  await picture(laptop.page, "sync-screen");
});

scenario("two devices in a picture: one is offline with an edit of its own, the other one deleted a log", async ({ server, device }) => {
  const { page } = await device();
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.setViewportSize(PICTURES["two-devices"]);
  await page.goto(new URL("/devices.html", server.url).href);
  const part = (name) => page.getByRole("region", { name, exact: true }).locator("iframe").contentFrame();
  const [phone, laptop] = [part("Phone"), part("Laptop")];
  for (const [exercise, weight] of [["Row", 50], ["Deadlift", 140], ["Bench press", 60], ["Back squat", 102.5]]) {
    await phone.getByRole("button", { name: "Add a log" }).click();
    const form = phone.getByRole("dialog", { name: "Add a log" });
    await form.getByLabel("Exercise").fill(exercise);
    await form.getByLabel("Set 1 weight").fill(String(weight));
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await phone.getByRole("heading", { name: exercise }).waitFor();
  }
  await phone.getByRole("status").filter({ hasText: /^Synced$/ }).waitFor();
  await laptop.getByRole("button", { name: "Sync now" }).click();
  await laptop.getByRole("heading", { name: "Back squat" }).waitFor();
  await page.getByRole("region", { name: "Phone", exact: true }).getByRole("switch", { name: "Offline" }).check();
  await phone.getByRole("button", { name: "Edit Deadlift" }).click();
  await phone.getByRole("dialog").getByLabel("Note").fill("Edited while offline");
  await phone.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await phone.getByRole("status").filter({ hasText: "Offline" }).waitFor();
  await laptop.getByRole("button", { name: "Delete Row" }).click();
  await laptop.getByRole("status").filter({ hasText: /^Synced$/ }).waitFor();
  await page.getByText("deleted", { exact: true }).waitFor();
  await page.mouse.move(0, 0);
  await picture(page, "two-devices");
});

test("every picture that the documentation shows is one of these, and each of them is shown", async () => {
  const pages = ["README.md", ...(await readdir(join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md")).map((name) => join("docs", name))];
  const shown = new Set();
  for (const page of pages) {
    for (const [, name] of (await readFile(join(ROOT, page), "utf8")).matchAll(/!\[[^\]]*\]\([^)]*?([\w-]+)\.png\)/g)) shown.add(name);
  }
  const made = Object.keys(PICTURES).sort();
  assert.deepEqual([...shown].sort(), made);
  const kept = (await readdir(join(ROOT, "docs/images"))).filter((name) => name.endsWith(".png"));
  assert.deepEqual(kept.sort(), made.map((name) => `${name}.png`));
});

/** Takes a picture of the page, and checks that it has its size and shows something. */
async function picture(page, name, colorScheme = "light") {
  const folder = KEPT ?? (await mkdtemp(join(tmpdir(), "lastword-pictures-")));
  try {
    const size = PICTURES[name];
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    const seen = await look(page, await readFile(path));
    assert.deepEqual({ width: seen.width, height: seen.height }, size);
    assert.ok(seen.colours > COLOURS_MIN, `${name} has ${seen.colours} colours`);
  } finally {
    if (!KEPT) await rm(folder, { recursive: true });
  }
}

/** The size of a picture and how many colours it has, as the browser reads it. */
function look(page, bytes) {
  return page.evaluate(async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/png" }));
    const { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(image, 0, 0);
    return { width, height, colours: new Set(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)).size };
  }, bytes.toString("base64"));
}

/** Text alone has more, smoothed as it is. */
const COLOURS_MIN = 50;
