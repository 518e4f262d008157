// What the harness asks of an open lastword, in any layout.

/** The replica behind `sync`. The first round is the one with which an app begins. */
export function running(sync, edit = (entity, records) => sync.entities[entity].bulkPut(records)) {
  let started = false;
  return {
    async sync() {
      if (!started) await sync.start();
      started = true;
      await sync.syncNow();
    },
    edit,
    count: async (entity) => (await sync.entities[entity].list()).length,
    row: (entity, id) => sync.entities[entity].get(id),
    close: () => sync.destroy(),
    stats: () => sync.stats(),
  };
}
