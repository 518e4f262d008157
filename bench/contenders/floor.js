// The floor: raw IndexedDB in a worker, written for speed alone. The page's side: it only sends messages.

/** Opens the database in the worker. */
export async function open(options) {
  const worker = new Worker("/contenders/floor-worker.js", { type: "module" });
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  const call = (name, ...args) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, name, args });
  });
  const { schema, ...rest } = options;
  await call("open", rest);
  return {
    sync: () => call("sync"),
    edit: (entity, records) => call("edit", entity, records),
    count: (entity) => call("count", entity),
    row: (entity, id) => call("row", entity, id),
    close: () => worker.terminate(),
  };
}
