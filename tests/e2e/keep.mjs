// What a test opens, closed again whatever happens.

/** Runs `body(keep)`; what `keep` was given is closed afterwards, the last one first. */
export async function keeping(body) {
  const opened = [];
  const keep = (thing) => {
    opened.push(thing);
    return thing;
  };
  try {
    await body(keep);
  } finally {
    for (const thing of opened.reverse()) await thing.close();
  }
}
