/** Checked by the compiler alone: the types of the add-ons are the ones that are published. */

import * as dexie from "../dexie.js";
import * as react from "../react.js";
import type * as publishedDexie from "lastword/dexie";
import type * as publishedReact from "lastword/react";

export const sameDexie: typeof publishedDexie = dexie;
export const sameReact: typeof publishedReact = react;
