// Bundles the contenders into bench/dist, each with the packages it is made of. lastword itself is served as it was built.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
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
