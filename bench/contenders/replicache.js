// Replicache with its own pull and push, one mutation for each lot of edits, one patch for all that changed. It keeps its rows
// in memory and writes them to disk when idle: a round here ends when that is done, as it does for the others, which is
// why this opens the class behind the public one.
import { ReplicacheImpl } from "replicache/impl";

/** Opens the cache; it asks the backend for nothing by itself. */
export async function open({ base, database }) {
  const replicache = new ReplicacheImpl({
    name: database, pullURL: `${base}/replicache/pull`, pushURL: `${base}/replicache/push`, pullInterval: null, pushDelay: 3_600_000,
    mutators: { put }, logLevel: "error",
  }, { enableScheduledRefresh: false, enablePullAndPushInOpen: false });
  await replicache.clientGroupID;
  return {
    async sync() {
      await replicache.push({ now: true });
      await replicache.pull({ now: true });
      await replicache.persist();
    },
    async edit(entity, records) {
      await replicache.mutate.put({ entity, records });
      await replicache.persist();
    },
    count: (entity) => replicache.query(async (tx) => (await tx.scan({ prefix: `${entity}/` }).keys().toArray()).length),
    row: (entity, id) => replicache.query((tx) => tx.get(`${entity}/${id}`)),
    close: () => replicache.close(),
  };
}

/** Last write wins: a mutation is played again over what was pulled. */
async function put(tx, { entity, records }) {
  for (const record of records) {
    const kept = await tx.get(`${entity}/${record.id}`);
    if (!(kept?.clientUpdatedAt > record.clientUpdatedAt)) await tx.set(`${entity}/${record.id}`, record);
  }
}
