// lastword with a database of its own on a backend of the changeset style.
import { open as openLastword } from "/contenders/lastword.js";

/** Opens the database; nothing is synced yet. */
export function open(options) {
  return openLastword({ ...options, style: "changeset" });
}
