// lastword with a database of its own, many rows to a value.
import { open as openLastword } from "/contenders/lastword.js";

/** Opens the database; nothing is synced yet. */
export function open(options) {
  return openLastword({ ...options, layout: "packed" });
}
