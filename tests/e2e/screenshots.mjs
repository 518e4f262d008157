// Makes the pictures of the README and the docs from the real demo: `npm run screenshots --workspace tests/e2e`.
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openApp } from "./app.mjs";
import { openProfile } from "./browser.mjs";
import { startServer } from "./server.mjs";

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), "../../docs/images");
const LOGS = [
  { exercise: "Back squat", sets: 3, reps: 5, weight: 102.5, note: "Felt light. Keep the elbows down." },
  { exercise: "Bench press", sets: 3, reps: 8, weight: 60 },
  { exercise: "Deadlift", sets: 1, reps: 5, weight: 140 },
];

await mkdir(IMAGES, { recursive: true });
const server = await startServer();
const profile = await openProfile();
try {
  const app = await openApp(profile.context, server.url, { key: server.key });
  const picture = (name) => app.page.screenshot({ path: join(IMAGES, `${name}.png`) });
  for (const log of LOGS) await app.add(log);
  await app.synced();
  await app.page.getByRole("heading", { name: "Deadlift" }).scrollIntoViewIfNeeded();
  await picture("demo-phone");
  await app.page.setViewportSize({ width: 1280, height: 900 });
  await picture("demo-desktop");
  await app.page.emulateMedia({ colorScheme: "dark" });
  await picture("demo-dark");
  await app.page.emulateMedia({ colorScheme: "light" });
  await app.go("sync");
  await picture("sync-screen");

  await app.page.goto(new URL("/devices.html", server.url).href);
  const frames = ["Phone", "Laptop"].map((name) => app.page.getByRole("region", { name, exact: true }).locator("iframe").contentFrame());
  for (const frame of frames) await frame.getByRole("heading", { name: "Back squat" }).waitFor();
  await app.page.getByRole("region", { name: "Phone", exact: true }).getByRole("switch", { name: "Offline" }).check();
  const [phone] = frames;
  await phone.getByRole("button", { name: "Edit Deadlift" }).click();
  await phone.getByRole("dialog").getByLabel("Note").fill("Edited while offline");
  await phone.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await phone.getByRole("status").filter({ hasText: "Offline" }).waitFor();
  for (const frame of frames) await frame.getByRole("heading", { name: "Deadlift" }).scrollIntoViewIfNeeded();
  await picture("two-devices");
} finally {
  await profile.close();
  await server.close();
}
