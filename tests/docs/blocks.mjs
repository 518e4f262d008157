// The fenced blocks of the documentation, each with its place. Never checks one.
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Every page whose blocks are for a reader to copy. The protocol's show shapes, with `…` for what varies. */
export async function pages() {
  const docs = (await readdir(join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md"));
  const own = docs.filter((name) => !name.startsWith("adr") && name !== "protocol.md").map((name) => `docs/${name}`);
  return ["README.md", "CONTRIBUTING.md", "pkg/README.md", ...own.sort()];
}

/** `{ page, line, language, text }` for each fenced block of a page. */
export async function blocks(page) {
  const found = [];
  let open;
  for (const [index, line] of (await readFile(join(ROOT, page), "utf8")).split("\n").entries()) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (!open) open = { line: index + 1, language: fence[1], lines: [] };
    else {
      found.push({ page, line: open.line, language: open.language, text: open.lines.join("\n") });
      open = undefined;
    }
  }
  if (open) throw new Error(`${page}:${open.line}: a block that does not end`);
  return found;
}
