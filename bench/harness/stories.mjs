// The workloads. Sizes come from the caller: `small` for pull and push, `large` for everything that starts from a full replica,
// `growth` for the numbers of rows, besides `large`, at which what must not cost more is measured.

/** The stories by name. Each begins with a new profile; the steps of one follow each other on it. */
export const STORIES = {
  pull: {
    about: "an empty replica pulls everything",
    async run(story) {
      const { small } = story.size;
      await story.open({ each: small });
      await story.sync(`pull ${short(small)}`);
      await story.expect(small, { 0: 0, [small - 1]: 0 });
    },
  },
  push: {
    about: "an empty backend is sent everything",
    async run(story) {
      const { small } = story.size;
      await story.open();
      await story.sync("first");
      await story.edit({ from: 0, count: small, revision: 0 });
      await story.sync(`push ${short(small)}`);
      story.expectAccepted(small, { 0: 0, [small - 1]: 0 });
    },
  },
  large: {
    about: "a large replica: pulled, then in daily use",
    async run(story) {
      const { large, small } = story.size;
      await story.open({ each: large });
      const pulled = await story.sync(`pull ${short(large)}`);
      await story.memory(pulled);
      await story.expect(large, { [large - 1]: 0 });
      await daily(story, large);
      // Every tenth record is newer on the backend; half of those were edited here later still.
      const updates = Math.min(small, large / 10);
      for (let at = 0; at < updates; at++) story.session.update("logs", 5 + at * 10, 1);
      await story.edit({ from: 5, count: updates / 2, step: 20, revision: 2 });
      await story.sync(`merge ${short(updates)}`);
      story.expectAccepted(updates / 2, { 5: 2, 15: 1, 25: 2 });
      await story.expect(large, { 5: 2, 15: 1, 25: 2, 6: 0 });
      await story.profile.stop();
      story.step = "cold";
      const opened = await story.start();
      const cell = await story.sync("cold");
      cell.ms += opened;
      await story.expect(large, { 5: 2, 15: 1, [large - 1]: 0 });
    },
  },
  entities: {
    about: "ten entities, each a tenth of a large replica",
    async run(story) {
      const each = story.size.large / TEN.length;
      await story.open({ each, entities: TEN });
      await story.sync(`pull ${short(story.size.large)} in 10 entities`);
      await story.sync("no-op, 10 entities", 5);
      for (const entity of TEN) await story.expect(each, { 0: 0, [each - 1]: 0 }, entity);
    },
  },
  growth: {
    about: "a sync with nothing to do, and one with few edits, where there are more and more rows",
    async run(story) {
      for (const rows of story.size.growth) {
        await story.anew();
        await story.open({ each: rows });
        await story.sync("first");
        await daily(story, rows);
      }
    },
  },
};

/** What must not cost more where there are more rows. */
async function daily(story, rows) {
  await story.sync(`no-op of ${short(rows)} rows`, 5);
  const apart = Math.floor(rows / DELTA);
  await story.sync(`delta ${DELTA} of ${short(rows)} rows`, 3, (run) => story.edit({ from: run, count: DELTA, step: apart, revision: 3 }));
  story.expectAccepted(3 * DELTA, { 0: 3, [2 + (DELTA - 1) * apart]: 3 });
  await story.expect(rows, { 0: 3, [apart - 1]: 0 });
}

/** `10000` as `10k`. */
export function short(count) {
  return count >= 1000 ? `${count / 1000}k` : String(count);
}

/** The names of ten entities. */
export const TEN = Array.from({ length: 10 }, (_, at) => (at === 0 ? "logs" : `logs-${at}`));
/** So many edits are few. */
const DELTA = 100;
