// The hooks in a real React app, in its strict mode: status, a round that runs, fails and recovers, conflicts settled.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { openProfile } from "../e2e/browser.mjs";
import { startProxy } from "../e2e/proxy.mjs";
import { startServer } from "../e2e/server.mjs";
import { HERE, installPackage } from "./package-install.mjs";
import { finish } from "./program.mjs";
import { serveFiles } from "./static.mjs";

const TEST_MAX_MS = 240_000;
const FOLDER = join(HERE, "apps/react");
const BUILD = "esbuild main.jsx sync-worker=lastword/worker lastword_bg=lastword/core.wasm --bundle --format=esm --jsx=automatic --loader:.wasm=copy --outdir=dist";

before(async () => {
  await installPackage();
  await finish(BUILD, FOLDER);
}, { timeout: TEST_MAX_MS });

hooks("useSyncStatus and useSync: pending, a round under way, its error, and the next one", async ({ page, server, proxy }) => {
  await shows(page, "State", "stopped");
  await page.getByRole("button", { name: "Add" }).click();
  await shows(page, "Pending", "1");

  let release;
  const held = new Promise((resolve) => { release = resolve; });
  proxy.answer = () => held;
  await syncNow(page);
  await button(page, { disabled: true }).waitFor();
  release();
  await button(page, { disabled: false }).waitFor();
  await shows(page, "Pending", "0");
  assert.equal((await server.records("notes")).size, 1);

  await server.stop();
  await syncNow(page);
  await page.getByRole("alert").filter({ hasText: /^network$/ }).waitFor();
  await button(page, { disabled: false }).waitFor();
  await server.start();
  await syncNow(page);
  await page.getByRole("alert").waitFor({ state: "detached" });
});

hooks("useConflicts: what both sides changed is listed, and settled one by one or all at once", async ({ page, server }) => {
  await page.getByRole("button", { name: "Add" }).click();
  await shows(page, "Pending", "1");
  await syncNow(page);
  await shows(page, "Pending", "0");

  await bothEdit(page, server, "theirs");
  await page.getByRole("button", { name: "Keep mine", exact: true }).click();
  await conflicts(page).waitFor({ state: "detached" });
  await syncNow(page);
  await shows(page, "Pending", "0");
  assert.equal((await theRecord(server)).text, "mine");

  await bothEdit(page, server, "theirs again");
  await page.getByRole("button", { name: "Keep theirs everywhere" }).click();
  await conflicts(page).waitFor({ state: "detached" });
  await page.getByRole("list", { name: "Notes" }).getByRole("listitem").filter({ hasText: "theirs again" }).waitFor();
});

/** Edits the one note elsewhere and then here, and waits until the conflict is shown. */
async function bothEdit(page, server, text) {
  const record = await theRecord(server);
  const [result] = await server.push("notes", [{ ...record, text, clientUpdatedAt: record.clientUpdatedAt + 1 }]);
  assert.equal(result.status, "applied");
  await page.getByRole("button", { name: "Edit" }).click();
  await shows(page, "Pending", "1");
  await syncNow(page);
  await conflicts(page).filter({ hasText: `mine or ${text}` }).waitFor();
}

async function theRecord(server) {
  const [{ serverUpdatedAt: _s, version: _v, serverId: _i, ...record }] = (await server.records("notes")).values();
  return record;
}

const button = (page, { disabled }) => page.getByRole("button", { name: "Sync now", disabled });
const syncNow = (page) => page.getByRole("button", { name: "Sync now" }).click();
const conflicts = (page) => page.getByRole("list", { name: "Conflicts" }).getByRole("listitem");
const shows = (page, label, text) => page.getByLabel(label, { exact: true }).filter({ hasText: new RegExp(`^${text}$`) }).waitFor();

/** The app in a browser, its backend behind a proxy. */
function hooks(name, body) {
  test(name, { timeout: TEST_MAX_MS }, async () => {
    const files = await serveFiles([FOLDER]);
    const server = await startServer({ entities: join(HERE, "entities.json"), flags: ["--cors-origin", new URL(files.url).origin] });
    const proxy = await startProxy(() => server.url);
    const profile = await openProfile();
    try {
      const page = await profile.context.newPage();
      await page.goto(`${files.url}?${new URLSearchParams({ backend: proxy.url, key: server.key })}`);
      await body({ page, server, proxy });
    } finally {
      await profile.close();
      await proxy.close();
      await server.close();
      await files.close();
    }
  });
}
