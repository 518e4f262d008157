// Packs the npm package as it would be published and installs it beside the apps. Never builds it.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The folder of the apps, with the bundlers in its `node_modules`. */
export const HERE = dirname(fileURLToPath(import.meta.url));
/** The root of the checkout. */
export const ROOT = join(HERE, "../..");

const run = promisify(execFile);

/** Runs `work` with the tarball's path and the paths of the files in it; removes it afterwards. */
export async function packed(work) {
  const folder = await mkdtemp(join(tmpdir(), "lastword-pack-"));
  try {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: join(ROOT, "pkg") });
    const [{ filename, files }] = JSON.parse(stdout);
    return await work({ tarball: join(folder, filename), files: files.map(({ path }) => path) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Installs the tarball of this checkout, in place of whatever was installed. */
export async function installPackage() {
  // Vite keeps what it made of a package of this version.
  for (const name of ["lastword", ".vite"]) await rm(join(HERE, "node_modules", name), { recursive: true, force: true });
  await packed(({ tarball }) => run("npm", ["install", "--no-save", "--offline", tarball], { cwd: HERE }));
}
