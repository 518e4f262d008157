// How a check ends that does not hold. Never caught but by the runner.

/** A promise is broken; the message says what was expected and what came. */
export class Broken extends Error {}

/** A promise could not be asked, and why. */
export class Skipped extends Error {}

/** Breaks with `message` unless `condition` holds. */
export function expect(condition, message) {
  if (!condition) throw new Broken(message);
}
