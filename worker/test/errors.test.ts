import assert from "node:assert/strict";
import { test } from "node:test";
import { LastwordError, toPlain } from "../errors.js";

test("an error of the core survives structured clone and is rebuilt", () => {
  const thrown = Object.assign(new Error("wait"), { code: "backend", retryable: true, retryAfterMs: 1500, details: { status: 503 } });
  const rebuilt = new LastwordError(structuredClone(toPlain(thrown)));
  assert.ok(rebuilt instanceof Error && rebuilt instanceof LastwordError);
  assert.deepEqual(
    { code: rebuilt.code, message: rebuilt.message, retryable: rebuilt.retryable, retryAfterMs: rebuilt.retryAfterMs, details: rebuilt.details },
    { code: "backend", message: "wait", retryable: true, retryAfterMs: 1500, details: { status: 503 } },
  );
  assert.match(rebuilt.stack ?? "", /in the worker: /);
});

test("anything can be thrown", () => {
  for (const thrown of ["text", 7, null, undefined, { code: "x" }]) {
    assert.equal(structuredClone(toPlain(thrown)).code, "internal");
  }
  assert.equal(toPlain(new TypeError("bad")).message, "TypeError: bad");
});
