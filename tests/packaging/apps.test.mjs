// The packed tarball in an app of each kind: built and served, and under the development server.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { HERE, installPackage } from "./package-install.mjs";
import { finish, serve } from "./program.mjs";
import { serveFiles } from "./static.mjs";
import { failToStart, tryApp } from "./try-app.mjs";

const TEST_MAX_MS = 240_000;
const ESBUILD = "esbuild main.js sync-worker=lastword/worker lastword_bg=lastword/core.wasm --bundle --format=esm --loader:.wasm=copy --outdir=dist";

before(installPackage, { timeout: TEST_MAX_MS });

app("vite", { build: "vite build", root: "dist", dev: "vite --port 0" });
app("webpack", { build: "webpack --mode production", dev: "webpack serve --mode development" });
app("esbuild", { build: ESBUILD, dev: `${ESBUILD} --servedir=. --serve` });
app("next", { build: "next build", start: "next start --port 0", dev: "next dev --port 0", pages: ["", "dexie"] });

test("the command of the package", () => finish("lastword --help", HERE));

test("plain", { timeout: TEST_MAX_MS }, async () => {
  const files = await serveFiles([join(HERE, "apps/plain"), HERE]);
  try {
    await tryApp(files.url);
  } finally {
    await files.close();
  }
});

test("a page whose Content-Security-Policy forbids eval", { timeout: TEST_MAX_MS }, async () => {
  const folder = join(HERE, "apps/esbuild");
  await finish(ESBUILD, folder);
  const policy = (script) => ({ "content-security-policy": `default-src 'none'; script-src 'self' ${script}; worker-src 'self'; connect-src *` });
  const files = await serveFiles([folder], policy("'wasm-unsafe-eval'"));
  try {
    await tryApp(files.url);
  } finally {
    await files.close();
  }
  // That the policy is obeyed at all: without the word for wasm nothing starts.
  const strict = await serveFiles([folder], policy(""));
  try {
    await failToStart(strict.url, /Content Security Policy/);
  } finally {
    await strict.close();
  }
});

/** `pages` are those of the built app that are tried. */
function app(name, { build, root = ".", start, dev, pages }) {
  const folder = join(HERE, "apps", name);
  const clean = async () => {
    for (const made of ["dist", ".next"]) await rm(join(folder, made), { recursive: true, force: true });
  };
  test(`${name}: built`, { timeout: TEST_MAX_MS }, async () => {
    await clean();
    await finish(build, folder);
    await using(start ? serve(start, folder) : serveFiles([join(folder, root)]), pages);
  });
  test(`${name}: under the development server`, { timeout: TEST_MAX_MS }, async () => {
    await clean();
    await using(serve(dev, folder));
  });
}

async function using(serving, pages = [""]) {
  const served = await serving;
  try {
    for (const page of pages) await tryApp(new URL(page, served.url).href);
  } finally {
    await served.close();
  }
}
