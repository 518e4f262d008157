// The workloads. Sizes come from the caller: `small` for pull and push, `large` for everything that starts from a full replica.

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
      story.expectAccepted(small);
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
      await story.sync("no-op", 5);
      const delta = 100;
      const apart = Math.floor(large / delta);
      await story.sync(`delta ${delta}`, 3, (run) => story.edit({ from: run, count: delta, step: apart, revision: 3 }));
      story.expectAccepted(3 * delta);
      // Every tenth record is newer on the backend; half of those were edited here later still.
      const updates = Math.min(small, large / 10);
      for (let at = 0; at < updates; at++) story.session.update("logs", 5 + at * 10, 1);
      await story.edit({ from: 5, count: updates / 2, step: 20, revision: 2 });
      await story.sync(`merge ${short(updates)}`);
      story.expectAccepted(updates / 2);
      await story.expect(large, { 5: 2, 15: 1, 25: 2, 6: 0 });
      await story.profile.stop();
      story.step = "cold";
      const opened = await story.start();
      const cell = await story.sync("cold");
      cell.ms += opened;
    },
  },
};

/** `10000` as `10k`. */
export function short(count) {
  return count >= 1000 ? `${count / 1000}k` : String(count);
}
