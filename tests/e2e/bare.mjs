// A bare page with an open `sync` against a server of its own: what tests of the package's calls start from.
import { openProfile } from "./browser.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { scenario } from "./world.mjs";

/** A scenario with a bare page that has an open `sync` and a valid `log`. `options` are merged into those of `createSync`, `entity` into that of the logs. */
export function bare(name, body, options = {}, entity = {}) {
  scenario(name, async (world) => {
    const front = await world.proxy();
    front.answer = bareAnswer;
    const profile = await openProfile();
    try {
      const page = await openBare(profile.context, front.url);
      const entities = structuredClone((await import("../../www/entities.json", { with: { type: "json" } })).default.entities);
      Object.assign(entities["workout-logs"], entity);
      await page.evaluate(async ([entities, token, options]) => {
        globalThis.options = { database: "bare", entities, backend: { url: "/" }, token, ...options };
        globalThis.log = { exercise: "Squat", performedAt: Date.now(), sets: [{ reps: 5, weight: 100 }] };
        globalThis.sync = await createSync(globalThis.options);
        globalThis.logs = sync.entities["workout-logs"];
      }, [entities, world.server.key, options]);
      await body({ ...world, front, page });
      await page.evaluate(() => sync.destroy());
    } finally {
      await profile.close();
    }
  });
}
