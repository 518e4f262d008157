/** Chooses the worker with faults when the address asks for it (`?faults`): only the two-device view does. */

export function faultyWorker(database: string): (() => Worker) | undefined {
  if (!new URLSearchParams(location.search).has("faults")) return undefined;
  return () => new Worker(new URL("./faulty-worker.ts", import.meta.url), { type: "module", name: database });
}
