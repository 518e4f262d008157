// An app with a Dexie database of its own, older than lastword, on a bare page.
import { barePage } from "./bare.mjs";
import file from "../../www/entities.json" with { type: "json" };

/** The entity that the tests write to. */
export const ENTITY = "workout-logs";

/**
 * A scenario with a page whose app has ten Dexie tables and a log in one of them from before lastword.
 * `adopt(withAddOn, options)` is what the app's author adds; the options are those of the add-on.
 */
export function dexieApp(name, body) {
  barePage(name, async (world) => {
    await world.page.evaluate(async ([declared, token]) => {
      const { Dexie, liveQuery } = await import("dexie");
      const { lastwordDexie, lastwordStores } = await import("/lastword/dexie.js");
      const tables = Object.fromEntries(Object.keys(declared).map((entity) => [entity, "id, clientUpdatedAt"]));
      tables["workout-logs"] = "id, clientUpdatedAt, exercise";
      const old = new Dexie("app");
      old.version(1).stores(tables);
      const at = Date.now() - 60_000;
      const log = { clientCreatedAt: at, clientUpdatedAt: at, isDeleted: false, exercise: "Squat", performedAt: at, sets: [{ reps: 5, weight: 100 }] };
      await old.table("workout-logs").add({ id: "old-log", ...log });
      old.close();

      globalThis.liveQuery = liveQuery;
      globalThis.log = log;
      globalThis.adopt = async (withAddOn, options) => {
        const db = new Dexie("app");
        db.version(1).stores(tables);
        db.version(2).stores(lastwordStores);
        const entities = Object.fromEntries(Object.entries(declared).map(([entity, options]) => [entity, { ...options, detect: "scan" }]));
        const addOn = withAddOn ? lastwordDexie(db, { ...options, entities }) : undefined;
        await db.open();
        const sync = await createSync({ database: "app", attached: true, entities, backend: { url: "/" }, token });
        addOn?.connect(sync);
        Object.assign(globalThis, { db, sync, logs: db.table("workout-logs") });
      };
      /** The first value of a live query for which `holds` is true. */
      globalThis.firstLive = (query, holds) => new Promise((resolve, reject) => {
        const subscription = liveQuery(query).subscribe({ next: (value) => holds(value) && (subscription?.unsubscribe(), resolve(value)), error: reject });
      });
    }, [file.entities, world.server.key]);
    await body(world);
  });
}
