// What is measured, step by step, on one profile of one contender. A step that fails ends its story and says why.
import { recordId } from "../backend/records.mjs";
import { newProfile, peakMemory } from "./browser.mjs";

/** Runs a story for one contender; gives a cell for each step that was measured. */
export async function tell(story, contender, backend, size) {
  const cells = [];
  const told = new Story({ contender, backend, size, profile: await newProfile(), cells });
  let deadline;
  try {
    const late = new Promise((_, reject) => {
      deadline = setTimeout(() => reject(new LateError(`not done after ${STORY_MAX_MS / 60_000} minutes`)), STORY_MAX_MS);
    });
    await Promise.race([story.run(told), late]);
  } catch (error) {
    // The step that failed, the ones that were measured and verified before it stand.
    const without = cells.findIndex(({ workload }) => workload === told.step);
    if (without >= 0) cells.splice(without, 1);
    cells.push({ workload: told.step, error: String(error.message ?? error).split("\n")[0], late: error instanceof LateError });
  } finally {
    clearTimeout(deadline);
    await told.profile.remove().catch(() => {});
  }
  return cells;
}

class LateError extends Error {}

/** One contender's way through a story. */
export class Story {
  /** The version of the browser, once one was started. */
  static browser;
  step = "start";

  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Starts the browser and opens the contender on new data of the backend. */
  async open(options = {}) {
    this.step = "open";
    this.options = { entities: ["logs"], ...options };
    this.session = this.backend.session(this.options);
    await this.start();
  }

  /** Goes on with a new profile: nothing that was stored is there. */
  async anew() {
    await this.profile.remove();
    this.profile = await newProfile();
  }

  /** Starts the browser, again where it was stopped, and opens the contender. Answers how long the contender took. */
  async start() {
    this.page = await this.profile.start(this.backend.origin);
    Story.browser ??= this.page.context().browser()?.version();
    await this.page.evaluate((url) => globalThis.bench.roundTrip(url), `${this.backend.origin}/backend/records.mjs`);
    const { entities, counting } = this.options;
    const options = { base: this.session.base, entities, counting, database: "bench" };
    return this.page.evaluate(([name, how]) => globalThis.bench.open(name, how), [this.contender, options]);
  }

  /** Measures a sync: time, gap, and what went over the wire. */
  async sync(workload, repeats = 1, before = async () => {}) {
    this.step = workload;
    const runs = [];
    for (let run = 0; run < repeats; run++) {
      await before(run);
      await pause(run === 0 ? 300 : 100);
      const { requests, bytesIn, bytesOut } = this.session;
      const timed = await this.page.evaluate(() => globalThis.bench.sync());
      runs.push({
        ...timed, requests: this.session.requests - requests, sent: this.session.bytesIn - bytesIn, received: this.session.bytesOut - bytesOut,
      });
    }
    runs.sort((a, b) => a.ms - b.ms);
    const cell = { workload, ...runs[Math.floor(runs.length / 2)] };
    this.cells.push(cell);
    return cell;
  }

  edit(edits, entity = this.options.entities[0]) {
    return this.page.evaluate(([name, what]) => globalThis.bench.edit(name, what), [entity, edits]);
  }

  /** Fails unless the replica has so many rows, and these have these notes. */
  async expect(rows, revisions = {}, entity = this.options.entities[0]) {
    const numbers = Object.keys(revisions).map(Number);
    const looked = await this.page.evaluate(([name, which]) => globalThis.bench.look(name, which), [entity, numbers]);
    if (looked.rows !== rows) throw new Error(`it has ${looked.rows} rows, not ${rows}`);
    numbers.forEach((n, at) => {
      if (!looked.notes[at]?.endsWith(` ${revisions[n]}`)) throw new Error(`record ${n} reads: ${looked.notes[at]}`);
    });
  }

  /** Fails unless the backend took so many records since the last look, and now has these notes. */
  expectAccepted(count, revisions = {}, entity = this.options.entities[0]) {
    const accepted = this.session.takeAccepted();
    if (accepted !== count) throw new Error(`the backend accepted ${accepted} records, not ${count}`);
    for (const [n, revision] of Object.entries(revisions)) {
      const note = this.session.latest(entity, recordId(Number(n)))?.value.note;
      if (!note?.endsWith(` ${revision}`)) throw new Error(`record ${n} reads on the backend: ${note}`);
    }
  }

  /** The requests to IndexedDB of the worker since this was last asked, by method. Only where it was opened as `counting`. */
  counts() {
    return this.page.evaluate(() => globalThis.bench.counts());
  }

  async memory(cell) {
    cell.memory = await peakMemory(this.page);
  }
}

/** What the step before left to do in the background is not charged to the next one. */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What one contender may take for one story. */
const STORY_MAX_MS = 10 * 60_000;
