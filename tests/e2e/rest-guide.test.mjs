// The guide “Your own REST API”: its example backend answers as the page says, and lastword syncs with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks } from "../docs/blocks.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { DEADLINE_MS, openProfile } from "./browser.mjs";
import { withBackend } from "./example-backend.mjs";
import { startProxy } from "./proxy.mjs";

const PAGE = "docs/guides/rest-api.md";

test("the example backend answers each exchange of the guide as the page says", { timeout: DEADLINE_MS }, async () => {
  await withBackend(async (url) => {
    let exchanges = 0;
    let request;
    for (const block of await blocks(PAGE)) {
      if (block.language === "http") request = block;
      else if (block.language === "json" && request) {
        const { status, body } = await send(url, request.text);
        assert.deepEqual(timeless(body), timeless(JSON.parse(block.text)), `${PAGE}:${block.line}`);
        assert.equal(status, body.error ? 401 : 200);
        // The same key again: the same answer.
        if (request.text.startsWith("POST")) assert.deepEqual((await send(url, request.text)).body, body);
        request = undefined;
        exchanges += 1;
      }
    }
    assert.ok(exchanges >= 6, `${exchanges} exchanges`);
  });
});

test("two devices sync with the example backend", { timeout: 4 * DEADLINE_MS }, async () => {
  await withBackend(async (url) => {
    const front = await startProxy(() => url);
    front.answer = bareAnswer;
    const profile = await openProfile();
    try {
      const page = await openBare(profile.context, front.url);
      const seen = await page.evaluate(async () => {
        const device = (database) => createSync({ database, entities: { tasks: {} }, backend: { url: "/" }, token: "user-1", autoStart: false });
        const [phone, laptop] = [await device("phone"), await device("laptop")];
        const { id } = await phone.entities.tasks.put({ title: "Water the plants" });
        const other = await phone.entities.tasks.put({ title: "Buy seeds" });
        await phone.syncNow();
        await laptop.syncNow();
        await laptop.entities.tasks.update(id, { title: "Water them" });
        await laptop.entities.tasks.delete(other.id);
        await laptop.syncNow();
        await phone.syncNow();
        const titles = (await phone.entities.tasks.list()).map(({ title }) => title);
        await Promise.all([phone.destroy(), laptop.destroy()]);
        return titles;
      });
      assert.deepEqual(seen, ["Water them"]);
    } finally {
      await profile.close();
      await front.close();
    }
  });
});

/** Sends a request as it is written in the page. */
async function send(url, text) {
  const [head, body] = text.split("\n\n");
  const [first, ...lines] = head.split("\n");
  const [method, path] = first.split(" ");
  const headers = Object.fromEntries(lines.map((line) => line.split(": ")));
  const answer = await fetch(new URL(path, url), { method, headers, ...(body ? { body } : {}) });
  return { status: answer.status, body: await answer.json() };
}

/** A body without the clock of whoever answered. */
function timeless(body) {
  return JSON.parse(JSON.stringify(body, (name, value) => (/^server(Time|UpdatedAt)$/.test(name) ? "a time" : value)));
}
