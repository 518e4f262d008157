// System C of docs/seeds.md, a chat app: only what changed travels, the last write wins, and an old app is adopted.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bareAnswer } from "./bare-page.mjs";
import { system } from "./system.mjs";

const chat = system("chat", { options: { backend: { url: "/", style: "changeset" } } });
const message = (conversationId, number, text = `Message ${number}: what shall we cook tonight?`) => ({ conversationId, role: "user", text });

chat("C1: a record carries updatedAt, isDeleted and lastSyncedAt, and whether it is dirty", async ({ device }) => {
  const phone = await device();
  const made = await phone.put("conversations", { title: "Dinner" });
  assert.equal((await phone.statusOf("conversations", made.id)).state, "pending", "dirty");
  await phone.syncNow();
  const [row] = await phone.rows("conversations");
  assert.deepEqual([row.updatedAt, row.createdAt, row.isDeleted], [made.updatedAt, made.createdAt, false]);
  assert.ok(row.lastSyncedAt > 0);
  assert.equal((await phone.statusOf("conversations", made.id)).state, "synced", "no longer dirty");
});

chat("C2: after 10 of 1,000 messages changed, over 90 % less travels than with a full sync", async ({ front, device }) => {
  let sent = 0;
  front.answer = (request) => {
    if (request.path === "/v1/sync/upload") sent += request.body.length;
    return bareAnswer(request);
  };
  const phone = await device();
  const { id } = await phone.put("conversations", { title: "Dinner" });
  const made = await phone.bulkPut("messages", Array.from({ length: 1000 }, (_, number) => message(id, number)));
  await phone.syncNow();
  const full = sent;
  sent = 0;
  for (const { id: changed } of made.slice(0, 10)) await phone.update("messages", changed, { status: "sent" });
  const { pushed } = await phone.syncNow();
  assert.equal(pushed, 10);
  assert.ok(sent > 0 && sent < full / 10, `${sent} of ${full} bytes`);
});

chat("C3: the last write wins by updatedAt: the server keeps its newer copy, and the client takes it", async ({ server, device }) => {
  const [phone, laptop] = [await device(), await device()];
  const { id } = await phone.put("conversations", { title: "Dinner" });
  await phone.syncNow();
  await laptop.syncNow();
  await phone.update("conversations", id, { title: "Dinner, earlier" });
  const later = await laptop.update("conversations", id, { title: "Dinner, later" });
  await laptop.syncNow();
  await phone.syncNow();
  assert.equal((await phone.read("conversations", id)).title, "Dinner, later");
  assert.deepEqual(await phone.run(() => events.filter(({ type }) => type === "superseded").map(({ entity }) => entity)), ["conversations"]);

  const [answer] = await server.push("conversations", [{ id, clientCreatedAt: 1, clientUpdatedAt: later.updatedAt - 1, isDeleted: false, title: "Too old" }]);
  assert.equal(answer.status, "conflict");
  assert.equal((await server.records("conversations")).get(id).title, "Dinner, later");
});

chat("C4: a failing backend is tried again by itself, and its error is typed", async ({ front, device }) => {
  let down = true;
  let tried = () => {};
  front.answer = (request) => {
    if (!request.path.startsWith("/v1/") || !down) return bareAnswer(request);
    tried();
    return { status: 503, body: { error: { code: "unavailable", message: "busy", retryable: true } } };
  };
  const phone = await device({ autoStart: true });
  const { id } = await phone.put("conversations", { title: "Dinner" });
  const refused = await phone.attempt(() => sync.syncNow());
  assert.deepEqual([refused.typed, refused.code, refused.retryable], [true, "backend", true]);
  await new Promise((resolve) => { tried = resolve; });
  down = false;
  await phone.run((id) => sync.entities.conversations.whenSynced(id), id);
});

chat("C5: mark dirty, mark deleted, pending by entity, and figures of the sync", async ({ server, device }) => {
  const phone = await device();
  const { id } = await phone.put("conversations", { title: "Dinner" });
  const [first, second] = await phone.bulkPut("messages", [message(id, 1), message(id, 2)]);
  await phone.syncNow();
  await phone.run((id) => sync.entities.messages.markDirty(id), first.id);
  await phone.delete("messages", second.id);
  const { entities, pending } = await phone.status();
  assert.deepEqual([pending, entities.messages.pending, entities.conversations.pending], [2, 2, 0]);
  const changes = await phone.run(() => sync.entities.messages.pending());
  assert.deepEqual(new Map(changes.map((change) => [change.id, change.operation])), new Map([[first.id, "update"], [second.id, "delete"]]));
  assert.equal((await phone.syncNow()).pushed, 2);
  assert.equal((await server.records("messages")).get(second.id).isDeleted, true);
  const stats = await phone.run(() => sync.stats());
  assert.equal(stats.pending, 0);
});

chat("C6: the hook gives sync, syncState, syncError and isLoading to a component", async ({ front, device }) => {
  const modules = await hookModules();
  let down = true;
  front.answer = (request) => {
    if (request.path.startsWith("/v1/") && down) return { status: 503, body: {} };
    return modules(request) ?? bareAnswer(request);
  };
  const phone = await device();
  await phone.run(async () => {
    const importMap = document.createElement("script");
    importMap.type = "importmap";
    importMap.textContent = JSON.stringify({ imports: { react: "/modules/compat.js", preact: "/modules/preact.js", "preact/hooks": "/modules/hooks.js" } });
    document.head.append(importMap);
    const [{ createElement, render }, { useSync }] = await Promise.all([import("react"), import("/lastword/react.js")]);
    const Button = () => {
      const { sync: start, syncState, syncError, isLoading } = useSync(sync);
      return createElement("button", { onClick: start, disabled: isLoading }, `${syncState} ${syncError?.code ?? "fine"}`);
    };
    render(createElement(Button), document.body);
    await sync.start();
  });
  const button = phone.page.getByRole("button");
  await button.click();
  await button.and(phone.page.locator(":enabled")).filter({ hasText: "failed backend" }).waitFor();
  down = false;
  await button.click();
  await button.and(phone.page.locator(":enabled")).filter({ hasText: "idle fine" }).waitFor();
});

chat("C7: an app from before is adopted: all that was there goes out once, and each row says since when it is synced", async ({ server, device }) => {
  const phone = await device();
  const old = (id, title) => ({ id, title, createdAt: 1, updatedAt: 1, isDeleted: false });
  await phone.write("conversations", [old("c1", "Dinner"), old("c2", "Trip")]);
  assert.equal((await phone.syncNow()).pushed, 0, "nothing says that they are new");
  await phone.run(() => sync.markAllDirty());
  assert.equal((await phone.status()).pending, 2);
  assert.equal((await phone.syncNow()).pushed, 2);
  assert.deepEqual([...(await server.records("conversations")).keys()].sort(), ["c1", "c2"]);
  const rows = await phone.rows("conversations");
  assert.deepEqual(rows.map(({ id, lastSyncedAt }) => [id, lastSyncedAt > 0]), [["c1", true], ["c2", true]]);
  assert.equal((await phone.syncNow()).pushed, 0, "once");
});

chat("C8: offline queue, batches, compression and progress", async ({ server, front, device }) => {
  const bodies = [];
  let down = true;
  let shown;
  front.answer = async (request) => {
    if (request.path.startsWith("/v1/") && down) return { status: 503, body: {} };
    // The last batch waits until the progress of those before it was shown.
    if (request.path === "/v1/sync/upload" && bodies.push(request.headers["content-encoding"]) === 3) await shown;
    return bareAnswer(request);
  };
  const phone = await device({ backend: { url: "/", style: "changeset", gzip: true, batchRecords: 100 } });
  const { id } = await phone.put("conversations", { title: "Dinner" });
  await phone.bulkPut("messages", Array.from({ length: 250 }, (_, number) => message(id, number)));
  assert.equal((await phone.attempt(() => sync.syncNow())).code, "backend");
  assert.equal((await phone.status()).pending, 251, "kept while the backend is down");
  down = false;
  shown = phone.run(() => new Promise((resolve) => sync.on("progress", (progress) => progress.done === 200 && resolve(progress))));
  assert.equal((await phone.syncNow()).pushed, 251);
  const { phase, done, total } = await shown;
  assert.deepEqual([phase, done, total], ["push", 200, 251]);
  assert.equal((await server.records("messages")).size, 250);
  assert.deepEqual(bodies, ["gzip", "gzip", "gzip"]);
});

/** Answers for `react` and what it needs, from the packages as installed. */
async function hookModules() {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve("preact/package.json"));
  const files = { "/modules/preact.js": "dist/preact.mjs", "/modules/hooks.js": "hooks/dist/hooks.mjs", "/modules/compat.js": "compat/dist/compat.mjs" };
  const texts = new Map();
  for (const [path, file] of Object.entries(files)) texts.set(path, await readFile(join(root, file)));
  return ({ path }) => (texts.has(path) ? { headers: { "content-type": "text/javascript" }, body: texts.get(path) } : undefined);
}
