// What every app must do: send a record to the server, and store and show one that the server has.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openProfile } from "../e2e/browser.mjs";
import { startProxy } from "../e2e/proxy.mjs";
import { startServer } from "../e2e/server.mjs";
import { serviceWorker } from "../e2e/service-worker.mjs";
import { HERE } from "./package-install.mjs";

/** Opens the app of `url` in a fresh browser and syncs with a fresh server. */
export async function tryApp(url) {
  const server = await startServer({ entities: join(HERE, "entities.json"), flags: ["--cors-origin", new URL(url).origin] });
  const profile = await openProfile();
  const complaints = [];
  try {
    const page = await profile.context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await syncBothWays(page, server, url);
  } catch (error) {
    throw new Error(`${error.message}\nthe page said: ${complaints.join("\n")}`, { cause: error });
  } finally {
    await profile.close();
    await server.close();
  }
}

/** Opens the app of `url`, adds a note while the backend is away, closes the page, and has the browser sync. */
export async function tryBackground(url) {
  const server = await startServer({ entities: join(HERE, "entities.json"), flags: ["--cors-origin", new URL(url).origin] });
  const proxy = await startProxy(() => server.url);
  const profile = await openProfile();
  try {
    const page = await profile.context.newPage();
    const address = new URL(url);
    address.search = new URLSearchParams({ backend: proxy.url, key: server.key });
    await page.goto(address.href);
    const worker = await serviceWorker(await profile.context.newPage(), url);
    await server.stop();
    await page.getByLabel("Text").fill("written offline");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByLabel("State").filter({ hasText: "offline, 1 to send" }).waitFor();
    await page.close();
    await server.start();
    proxy.seen.length = 0;
    await worker.sync();
    await proxy.until((seen) => seen.some(({ method }) => method === "POST"));
    // It is on its way by now.
    let stored = new Map();
    while (stored.size === 0) stored = await server.records("notes");
    assert.deepEqual([...stored.values()].map(({ text }) => text), ["written offline"]);
  } finally {
    await profile.close();
    await proxy.close();
    await server.close();
  }
}

/** Opens the app of `url` and waits for an error of the page that says `reason`. */
export async function failToStart(url, reason) {
  const profile = await openProfile();
  try {
    const page = await profile.context.newPage();
    const failed = page.waitForEvent("pageerror", (error) => reason.test(String(error)));
    const address = new URL(url);
    address.search = new URLSearchParams({ backend: url, key: "none" });
    await Promise.all([failed, page.goto(address.href)]);
  } finally {
    await profile.close();
  }
}

/** The same on a page that is there already. */
export async function syncBothWays(page, server, url) {
  const address = new URL(url);
  address.search = new URLSearchParams({ backend: server.url, key: server.key });
  await page.goto(address.href);

  const pushed = page.waitForResponse((response) => response.url().endsWith("/notes/batch"));
  // Told by the line below when the page fails before.
  pushed.catch(() => undefined);
  await page.getByLabel("Text").fill("from the page");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("listitem").filter({ hasText: "from the page" }).waitFor();
  assert.equal((await pushed).status(), 200);
  const sent = [...(await server.records("notes")).values()];
  assert.deepEqual(sent.map(({ text }) => text), ["from the page"]);

  const now = Date.now();
  const [result] = await server.push("notes", [
    { id: "other", clientCreatedAt: now, clientUpdatedAt: now, isDeleted: false, text: "from elsewhere" },
  ]);
  assert.equal(result.status, "applied");
  await page.getByRole("button", { name: "Sync now" }).click();
  await page.getByRole("listitem").filter({ hasText: "from elsewhere" }).waitFor();
  assert.equal((await storedNote(page, "other")).text, "from elsewhere");
}

/** A row of IndexedDB, read past lastword. */
function storedNote(page, id) {
  return page.evaluate((id) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("notebook");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const reading = opening.result.transaction("notes").objectStore("notes").get(id);
      reading.onerror = () => reject(reading.error);
      reading.onsuccess = () => { opening.result.close(); resolve(reading.result); };
    };
  }), id);
}
