// What costs too much where each value has to be reached from wasm by itself. Never decides anything but by its arguments.

/** Puts each value of a JSON array, without waiting. */
export function putAll(store, json) {
  for (const value of JSON.parse(json)) store.put(value);
}

/**
 * Whether JSON holds a value just as it is. Not why not: what is refused is looked at again, field by field.
 *
 * `depth`: most objects and arrays in each other. Numbers and names that no party may hold show in the JSON itself.
 */
export function isPlain(value, depth) {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || (depth > 0 && holdsPlain(value, depth - 1));
    default:
      return false;
  }
}

function holdsPlain(value, depth) {
  if (Array.isArray(value)) {
    // By place: the methods of an array pass over its holes.
    for (let at = 0; at < value.length; at++) if (!isPlain(value[at], depth)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  // The base prototype of any realm has none of its own.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
  // An absent field and an undefined one read the same.
  return Object.keys(value).every((name) => value[name] === undefined || isPlain(value[name], depth));
}
