// The Vue and Svelte code of docs/guides/frameworks.md, word for word, mounted in a page.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bareAnswer } from "./bare-page.mjs";
import { bare } from "./bare.mjs";
import { blocks } from "../docs/blocks.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const OFF = { autoStart: false };

/** Each mounts a component that shows what waits, into the body; answers how to take it off again. */
const MOUNT = {
  Vue: `
    import { createApp, h } from "vue";
    import { useSyncStatus } from "the guide";
    export function mount(sync) {
      const app = createApp({ setup: () => { const status = useSyncStatus(sync); return () => h("output", status.value.pending); } });
      app.mount(document.body);
      return () => app.unmount();
    }`,
  Svelte: `
    import { mount as mounted, unmount } from "svelte";
    import Pending from "the component";
    export function mount(sync) {
      const pending = mounted(Pending, { target: document.body, props: { sync } });
      return () => unmount(pending);
    }`,
};
const PENDING = `
  <script>
    import { syncStatus } from "the guide";
    const { sync } = $props();
    const status = syncStatus(sync);
  </script>
  <output>{$status.pending}</output>`;

for (const framework of Object.keys(MOUNT)) {
  bare(`${framework}: a component shows the newest status, and listens no longer once it is gone`, async ({ front, page }) => {
    const body = await bundle(framework);
    front.answer = (request) => (request.path === "/mount.js" ? { headers: { "content-type": "text/javascript" }, body } : bareAnswer(request));
    const count = page.locator("output");
    await page.evaluate(async () => {
      globalThis.listening = 0;
      const { subscribe } = sync;
      sync.subscribe = (listener) => {
        listening += 1;
        const stop = subscribe(listener);
        return () => { listening -= 1; stop(); };
      };
      const { mount } = await import("/mount.js");
      globalThis.unmount = mount(sync);
    });
    await count.filter({ hasText: /^0$/ }).waitFor();
    await page.evaluate(() => logs.put(log));
    await count.filter({ hasText: /^1$/ }).waitFor();
    await page.evaluate(() => sync.syncNow());
    await count.filter({ hasText: /^0$/ }).waitFor();
    assert.equal(await page.evaluate(async () => { await unmount(); return listening; }), 0);
    await count.waitFor({ state: "detached" });
  }, OFF);
}

/** The mounting code with the guide's, as one module. */
async function bundle(framework) {
  const guide = (await blocks("docs/guides/frameworks.md")).find(({ text }) => text.includes(framework === "Vue" ? `"vue"` : `"svelte/store"`));
  const plugin = {
    name: "the guide",
    setup(builder) {
      builder.onResolve({ filter: /^the (guide|component)$/ }, ({ path }) => ({ path, namespace: "text" }));
      builder.onLoad({ filter: /guide/, namespace: "text" }, () => ({ contents: guide.text, loader: "ts", resolveDir: HERE }));
      builder.onLoad({ filter: /component/, namespace: "text" }, async () => {
        const { compile } = await import("svelte/compiler");
        const { js } = compile(PENDING, { generate: "client", filename: "Pending.svelte" });
        return { contents: js.code, loader: "js", resolveDir: HERE };
      });
    },
  };
  const { outputFiles } = await build({
    stdin: { contents: MOUNT[framework], resolveDir: HERE }, bundle: true, format: "esm", write: false, plugins: [plugin],
    define: { "process.env.NODE_ENV": `"production"`, __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
    conditions: ["browser"], logLevel: "warning",
  });
  return outputFiles[0].text;
}
