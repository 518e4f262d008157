// A bare page with an open `sync` against a server of its own: what tests of the package's calls start from.
import { openProfile } from "./browser.mjs";
import { bareAnswer, openBare } from "./bare-page.mjs";
import { scenario } from "./world.mjs";
import file from "../../www/entities.json" with { type: "json" };

/** A scenario with a bare page behind a proxy, for `body` to open a `sync` on; destroyed at the end. */
export function barePage(name, body) {
  scenario(name, async (world) => {
    const front = await world.proxy();
    front.answer = bareAnswer;
    const profile = await openProfile();
    try {
      const page = await openBare(profile.context, front.url);
      await body({ ...world, front, page });
      await page.evaluate(() => sync.destroy());
    } finally {
      await profile.close();
    }
  });
}

/** A scenario with a bare page that has an open `sync` and a valid `log`. `options` are merged into those of `createSync`, `entity` into that of the logs. */
export function bare(name, body, options = {}, entity = {}) {
  barePage(name, async (world) => {
    const entities = structuredClone(file.entities);
    Object.assign(entities["workout-logs"], entity);
    await world.page.evaluate(async ([entities, token, options]) => {
      globalThis.options = { database: "bare", entities, backend: { url: "/" }, token, ...options };
      globalThis.log = { exercise: "Squat", performedAt: Date.now(), sets: [{ reps: 5, weight: 100 }] };
      globalThis.sync = await createSync(globalThis.options);
      globalThis.logs = sync.entities["workout-logs"];
    }, [entities, world.server.key, options]);
    await body(world);
  });
}
