// The tarball by itself: what is in it, and what the field's two checkers say of it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { HERE, packed, ROOT } from "./package-install.mjs";

const run = promisify(execFile);

test("the tarball holds what the package needs, and nothing else", async () => {
  await packed(({ files }) => {
    assert.deepEqual(files.toSorted(), [
      "LICENSE-APACHE", "LICENSE-MIT", "README.md", "background.d.ts",
      ...["backend", "broken", "http", "musts", "plan", "report", "rows", "run", "shoulds", "trial"].map((name) => `bin/check/${name}.mjs`),
      "bin/lastword.mjs", "dexie.d.ts",
      "dist/background.js", "dist/client.js", "dist/dexie.js", "dist/lastword.js", "dist/lastword_bg.wasm", "dist/react.js", "dist/serve.js",
      "dist/service-worker.js", "dist/sync-worker.js", "index.d.ts", "package.json", "react.d.ts", "serve.d.ts", "service-worker.d.ts",
      "worker.d.ts",
    ]);
  });
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    assert.equal(await readFile(join(ROOT, "pkg", name), "utf8"), await readFile(join(ROOT, name), "utf8"), name);
  }
});

test("publint has nothing to say", async () => {
  await packed(async ({ tarball }) => {
    const bytes = await readFile(tarball);
    const pack = { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) };
    const { messages, pkg } = await publint({ pack, strict: true });
    assert.deepEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), []);
  });
});

test("the types are right for every way to import", async () => {
  await packed(async ({ tarball }) => {
    // Modules only: `require` is not served, and the wasm file has no types.
    const options = ["--profile", "esm-only", "--exclude-entrypoints", "core.wasm", "--no-color", "--format", "ascii"];
    const attw = join(HERE, "node_modules/.bin/attw");
    const told = await run(attw, [tarball, ...options], { cwd: HERE }).catch((error) => error);
    assert.ok(!(told instanceof Error), told.stdout);
  });
});
