// The demo's service worker: the page opens without a network, and edits go out with it closed where the key was kept.
import assert from "node:assert/strict";
import { serviceWorker } from "./service-worker.mjs";
import { scenario } from "./world.mjs";

scenario("with the key kept on the device, edits made offline go out when the page is closed", async ({ server, device }) => {
  const phone = await device({ key: "" });
  const { page, context } = phone;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("API key").fill(server.key);
  await page.getByLabel("Keep the key on this device").check();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await phone.synced();
  await page.evaluate(() => navigator.serviceWorker.ready);
  const worker = await serviceWorker(await context.newPage(), server.url);
  await page.close();
  await server.stop();

  await phone.open();
  await phone.add({ exercise: "Squat", note: "in the cellar" });
  await phone.state("offline");
  await phone.page.close();
  await server.start();
  await worker.sync();
  const note = async () => [...(await server.records("workout-logs")).values()][0]?.note;
  await reached(note, "in the cellar");

  await phone.open();
  await phone.synced();
});

/** Asks until the answer is there: the server tells nobody that a record has come. */
async function reached(ask, wanted) {
  const end = Date.now() + DEADLINE_MS;
  let answer = await ask();
  while (answer !== wanted && Date.now() < end) answer = await ask();
  assert.equal(answer, wanted);
}

const DEADLINE_MS = 60_000;
