/** When the timer may be slow. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";

const connection = Object.assign(new EventTarget(), { saveData: false, effectiveType: "4g" });
Object.defineProperty(globalThis, "navigator", { value: { connection }, configurable: true });
const { Attention } = await import("../attention.js");

function attention() {
  const told: boolean[] = [];
  return { told, attention: new Attention((isSlow) => told.push(isSlow)) };
}

test("slow while every page is hidden, brisk as soon as one is visible", () => {
  const { told, attention: watched } = attention();
  watched.hinted("visible", "one");
  watched.hinted("hidden", "two");
  assert.deepEqual(told, []);
  watched.hinted("hidden", "one");
  watched.hinted("visible", "two");
  assert.deepEqual(told, [true, false]);
});

test("slow while the backend pokes", () => {
  const { told, attention: watched } = attention();
  watched.live(true);
  watched.live(false);
  assert.deepEqual(told, [true, false]);
});

test("slow when nothing happened for a while", (context) => {
  const now = mock.method(performance, "now", () => 0);
  context.after(() => mock.restoreAll());
  const { told, attention: watched } = attention();
  now.mock.mockImplementation(() => 300_001);
  watched.look();
  watched.stir();
  assert.deepEqual(told, [true, false]);
});

test("slow when the user saves data, and on a network that is slow itself", () => {
  const { told, attention: watched } = attention();
  for (const change of [{ saveData: true }, { saveData: false }, { effectiveType: "slow-2g" }, { effectiveType: "4g" }]) {
    Object.assign(connection, change);
    connection.dispatchEvent(new Event("change"));
  }
  assert.deepEqual(told, [true, false, true, false]);
  assert.equal(watched.isSaving, false);
});
