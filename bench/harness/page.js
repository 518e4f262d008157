// The page's side of a measurement: opens a contender and times what the harness asks for. Knows no contender.
import { fields, record, recordId, schema } from "/backend/records.mjs";

let replica;

const bench = {
  /** Loads and opens a contender. Answers how long that took, the load included. */
  async open(contender, { counting, ...options }) {
    const start = performance.now();
    const { open } = await import(`/contenders/${contender}.js`);
    replica = await open({ ...options, schema, worker: counting && countingWorker });
    return performance.now() - start;
  },

  /** One whole sync: how long it took, and the longest time in which the page could not run. */
  async sync() {
    const gaps = watchGaps();
    const start = performance.now();
    await replica.sync();
    const ms = performance.now() - start;
    return { ms, gap: gaps.stop() };
  },

  /** The user writes the records `from`, `from + step`, …: new ones, or other content for those that are there. */
  async edit(entity, { from, count, step = 1, revision }) {
    for (let at = 0; at < count; at += EDIT_CHUNK) {
      const numbers = Array.from({ length: Math.min(EDIT_CHUNK, count - at) }, (_, index) => from + (at + index) * step);
      const now = Date.now();
      await replica.edit(entity, numbers.map((n) => {
        const { clientCreatedAt } = record(n);
        return { id: recordId(n), clientCreatedAt, clientUpdatedAt: now, isDeleted: false, ...fields(n, revision) };
      }));
    }
  },

  /** What the replica has: how many rows, and the notes of some of them. */
  async look(entity, numbers) {
    const notes = await Promise.all(numbers.map(async (n) => (await replica.row(entity, recordId(n)))?.note));
    return { rows: await replica.count(entity), notes };
  },

  /** The requests to IndexedDB of a counting worker since this was last asked. */
  counts() {
    const channel = new BroadcastChannel("bench-counts");
    return new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        channel.close();
        resolve(data);
      };
      channel.postMessage("count");
    });
  },

  close: () => replica.close?.(),

  /** A request and its answer, with nothing to do: what the network costs here. */
  async roundTrip(url) {
    const start = performance.now();
    await (await fetch(url, { cache: "no-store" })).text();
    return performance.now() - start;
  },
};

function countingWorker() {
  return new Worker("/harness/counting-worker.js", { type: "module", name: "lastword" });
}

/** Ticks as fast as timers go; the longest time between two ticks is how long the page stood still. */
function watchGaps() {
  let last = performance.now();
  let longest = 0;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(tick, 1);
  return {
    stop() {
      tick();
      clearInterval(timer);
      return longest;
    },
  };
}

globalThis.bench = bench;
const EDIT_CHUNK = 1000;
