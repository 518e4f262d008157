// lastword with a database of its own, one row a record, every record checked against the schema.
import { createSync } from "/pkg/client.js";
import { running } from "/contenders/lastword-replica.js";

/** Opens the database; nothing is synced yet. */
export async function open({ base, database, entities, schema, style = "resource", layout, worker }) {
  const declared = Object.fromEntries(entities.map((name) => [name, { schema, layout }]));
  return running(await createSync({ database, entities: declared, backend: { url: base, style, batchRecords: 500 }, ...QUIET, worker }));
}

/** A round only when it is asked for: the clock of the measurement is the harness's. */
const QUIET = { autoStart: false, intervalMs: 3_600_000, debounceMs: 3_600_000 };
