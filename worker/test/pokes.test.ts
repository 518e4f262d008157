/** The stream of pokes against a `fetch` that answers as told: silence, pieces, and what is never asked again. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Pokes } from "../pokes.js";

/** A stream that is written to by hand, and ends with its request. */
function stream(): { response: Response; send(text: string): void; cut(): void } {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  return {
    response: new Response(body, { headers: { "content-type": "text/event-stream" } }),
    send: (text) => controller.enqueue(new TextEncoder().encode(text)),
    cut: () => controller.error(new DOMException("aborted", "AbortError")),
  };
}

/** Lets everything happen that waits for no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Pokes over `answers`, one for each connection. */
function listening(answers: ((signal: AbortSignal) => Response)[]) {
  const told: string[] = [];
  const asked: { url: string; init: RequestInit }[] = [];
  mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    const next = answers.shift();
    if (!next) return new Promise<Response>(() => {});
    return next(init.signal as AbortSignal);
  });
  const pokes = new Pokes({
    path: "/events", backend: { url: "https://api.example/base/" }, token: async (refresh) => (refresh ? "second" : "first"),
    deviceId: async () => "replica", poke: () => told.push("poke"), live: (is) => told.push(is ? "live" : "gone"),
  });
  pokes.listen(true);
  return { pokes, told, asked };
}

test("a poke is told once it is whole, and comments are not", async (context) => {
  const { response, send } = stream();
  const { pokes, told, asked } = listening([() => response]);
  context.after(() => mock.restoreAll());
  await settle();
  send('event: hello\ndata: {"cursor":"a"}\n\n:\n\nevent: cha');
  await settle();
  assert.deepEqual(told, ["live", "poke"]);
  send('nge\ndata: {"cursor":"b"}\n\n');
  await settle();
  assert.deepEqual(told, ["live", "poke", "poke"]);
  assert.equal(asked[0]?.url, "https://api.example/base/events");
  const headers = asked[0]?.init.headers as Record<string, string>;
  assert.deepEqual([headers["authorization"], headers["x-device-id"]], ["Bearer first", "replica"]);
  pokes.listen(false);
  await settle();
  assert.equal(asked[0]?.init.signal?.aborted, true);
});

test("silence ends a stream, and the next one says by its cursor whether anything was missed", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => (mock.timers.reset(), mock.restoreAll()));
  const hello = (cursor: string) => (signal: AbortSignal) => {
    const { response, send, cut } = stream();
    signal.addEventListener("abort", cut);
    send(`event: hello\ndata: {"cursor":"${cursor}"}\n\n`);
    return response;
  };
  const { pokes, told, asked } = listening([hello("a"), hello("a"), hello("b")]);
  await settle();
  assert.deepEqual(told, ["live", "poke"]);
  for (const turn of [1, 2]) {
    // Nothing is heard for so long, and then the pause before the next try.
    mock.timers.tick(60_000);
    await settle();
    mock.timers.tick(1_000);
    await settle();
    assert.equal(asked.length, turn + 1);
  }
  assert.deepEqual(told, ["live", "poke", "gone", "live", "gone", "live", "poke"]);
  pokes.listen(false);
});

test("a refused token is refreshed once; a backend without a stream is not asked again", async (context) => {
  context.after(() => mock.restoreAll());
  const refuse = () => new Response(null, { status: 401 });
  const refused = listening([refuse, refuse]);
  await settle();
  assert.deepEqual(refused.asked.map(({ init }) => (init.headers as Record<string, string>)["authorization"]), ["Bearer first", "Bearer second"]);
  const absent = listening([() => new Response("<!doctype html>", { headers: { "content-type": "text/html" } })]);
  absent.pokes.listen(true);
  absent.pokes.hurry();
  await settle();
  assert.equal(absent.asked.length, 1);
  assert.deepEqual(absent.told, []);
});
