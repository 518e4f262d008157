// The package as it is published, in a page of its own: a plain `import` from where the files are served.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "../../pkg/dist");
const DEXIE = join(dirname(createRequire(import.meta.url).resolve("dexie/package.json")), "dist/modern/dexie.mjs");
const PAGE = `<!doctype html><title>bare</title><script type="importmap">{"imports":{"dexie":"/dexie.mjs"}}</script>`;

/** Answers for a proxy: `/bare.html`, the package's files under `/lastword/`, and Dexie. */
export async function bareAnswer({ path }) {
  if (path === "/bare.html") return { headers: { "content-type": "text/html" }, body: PAGE };
  if (path === "/dexie.mjs") return { headers: { "content-type": "text/javascript" }, body: await readFile(DEXIE) };
  if (!path.startsWith("/lastword/")) return undefined;
  const name = path.slice("/lastword/".length);
  const body = await readFile(join(DIST, name)).catch(() => undefined);
  if (!body) return { status: 404 };
  return { headers: { "content-type": name.endsWith(".wasm") ? "application/wasm" : "text/javascript" }, body };
}

/** A page with `createSync` and `LastwordError` as globals, and `attempt(work)`: the value, or the error's fields. */
export async function openBare(context, url) {
  const page = await context.newPage();
  await page.goto(new URL("/bare.html", url).href);
  await page.evaluate(async () => {
    const { createSync, LastwordError } = await import("/lastword/client.js");
    const attempt = async (work) => {
      try {
        return { value: await work() };
      } catch (error) {
        const typed = error instanceof LastwordError && error instanceof Error;
        return { typed, code: error.code, message: error.message, retryable: error.retryable, details: error.details };
      }
    };
    Object.assign(globalThis, { createSync, LastwordError, attempt });
  });
  return page;
}
