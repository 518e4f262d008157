// `lastword/dexie`, `lastword/background` and `lastword/service-worker` of the packed tarball, through each bundler.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { HERE, installPackage } from "./package-install.mjs";
import { finish } from "./program.mjs";
import { serveFiles } from "./static.mjs";
import { tryApp, tryBackground } from "./try-app.mjs";

const TEST_MAX_MS = 240_000;
const FOLDER = join(HERE, "apps/addons");
const DIST = join(FOLDER, "dist");

before(installPackage, { timeout: TEST_MAX_MS });

for (const [bundler, build] of [
  ["vite", "vite build"],
  ["webpack", "webpack --mode production"],
  ["esbuild", "esbuild main.js service-worker.js sync-worker=lastword/worker lastword_bg=lastword/core.wasm --bundle --format=esm --loader:.wasm=copy --outdir=dist"],
]) {
  test(`${bundler}: Dexie and the service worker`, { timeout: TEST_MAX_MS }, async () => {
    await rm(DIST, { recursive: true, force: true });
    await finish(build, FOLDER);
    const files = await serveFiles([DIST, FOLDER]);
    try {
      await tryApp(files.url);
      await tryBackground(files.url);
    } finally {
      await files.close();
    }
  });
}
