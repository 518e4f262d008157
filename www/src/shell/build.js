// Writes the shell worker with the list of files of this build.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A Vite plugin: `shell-worker.js` beside the pages. */
export function shellWorker() {
  return {
    name: "shell-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const built = Object.values(bundle).map((file) => ({ name: file.fileName, content: file.type === "asset" ? file.source : file.code }));
        const version = createHash("sha256");
        for (const { name, content } of built) version.update(name).update(content);
        const files = ["./", ...PUBLIC, ...built.map(({ name }) => `./${name}`)];
        const source = readFileSync(new URL("shell-worker.js", import.meta.url), "utf8")
          .replace('["__FILES__"]', JSON.stringify(files))
          .replace("__VERSION__", `shell-${version.digest("hex").slice(0, 16)}`);
        this.emitFile({ type: "asset", fileName: "shell-worker.js", source });
      },
    },
  };
}

/** Files that Vite copies as they are. */
const PUBLIC = ["./icon.svg", "./app.webmanifest"];
