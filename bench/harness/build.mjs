// Bundles the contenders into bench/dist, each with the packages it is made of. lastword itself is served as it was built.
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

export const BENCH = join(dirname(fileURLToPath(import.meta.url)), "..");
export const DIST = join(BENCH, "dist");

/** What the pages of the contenders load. */
export const FOLDERS = {
  "/contenders/": DIST, "/harness/": join(BENCH, "harness"), "/backend/": join(BENCH, "backend"), "/pkg/": join(BENCH, "../pkg/dist"),
};

/** Bundles the contenders named. */
export async function bundle(names) {
  const files = await readdir(join(BENCH, "contenders"));
  const wanted = files.filter((file) => names.some((name) => file === `${name}.js` || file.startsWith(`${name}-`)));
  await build({
    entryPoints: wanted.map((file) => join(BENCH, "contenders", file)),
    outdir: DIST,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    external: ["/pkg/*", "/contenders/*", "/backend/*"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    logLevel: "error",
  });
}

/** Bytes of what a page and its workers load for a contender, each file with gzip, as a static host would send it. */
export async function weigh(name) {
  const own = name.startsWith("lastword") ? OWN.map((file) => join(BENCH, "../pkg/dist", file)) : [];
  const files = [...[`${name}.js`, `${name}-worker.js`].map((file) => join(DIST, file)).filter(existsSync), ...own];
  const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(file), { level: 9 }).length));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What lastword's page and worker load of its package. */
const OWN = ["client.js", "sync-worker.js", "lastword.js", "lastword_bg.wasm"];
