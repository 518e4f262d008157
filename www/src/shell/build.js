// Bundles the shell worker with the list of files of this build. A classic script: not every browser takes a module here.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A Vite plugin: `shell-worker.js` beside the pages. */
export function shellWorker() {
  return {
    name: "shell-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      async handler(_options, bundle) {
        const built = Object.values(bundle).map((file) => ({ name: file.fileName, content: file.type === "asset" ? file.source : file.code }));
        const version = createHash("sha256");
        for (const { name, content } of built) version.update(name).update(content);
        const files = ["./", ...PUBLIC, ...built.map(({ name }) => `./${name}`)];
        const wasm = files.find((name) => name.endsWith(".wasm"));
        if (!wasm) this.error("the page has no wasm to share with the shell worker");
        const { outputFiles: [worker] } = await build({
          entryPoints: [fileURLToPath(new URL("shell-worker.js", import.meta.url))],
          bundle: true,
          format: "iife",
          target: "es2022",
          minify: true,
          write: false,
          legalComments: "none",
          logLevel: "warning",
          define: {
            __FILES__: JSON.stringify(files),
            __VERSION__: JSON.stringify(`shell-${version.digest("hex").slice(0, 16)}`),
            __WASM__: JSON.stringify(wasm),
            "import.meta.url": "self.location.href",
          },
        });
        this.emitFile({ type: "asset", fileName: "shell-worker.js", source: worker.text });
      },
    },
  };
}

/** Files that Vite copies as they are. */
const PUBLIC = ["./icon.svg", "./app.webmanifest"];
