// Bundles the entry points into pkg/dist, beside the wasm module that they load. Never touches the wasm module itself.
import { build } from "esbuild";

await build({
  entryPoints: ["client.ts", "sync-worker.ts", "serve.ts", "service-worker.ts", "background.ts", "react.ts", "dexie.ts"],
  outdir: "../pkg/dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  // wasm-bindgen's own module stays as it is: bundlers find the wasm file through its `new URL`. The page's part is one
  // for all add-ons: two of its error class would be strangers to each other.
  external: ["./lastword.js", "./client.js", "react", "dexie"],
  logLevel: "warning",
});
