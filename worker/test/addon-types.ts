/** Checked by the compiler alone: the types of the add-ons are the ones that are published. */

import * as background from "../background.js";
import * as dexie from "../dexie.js";
import * as react from "../react.js";
import * as serviceWorker from "../service-worker.js";
import type * as publishedBackground from "lastword/background";
import type * as publishedDexie from "lastword/dexie";
import type * as publishedReact from "lastword/react";
import type * as publishedServiceWorker from "lastword/service-worker";

export const sameBackground: typeof publishedBackground = background;
export const sameDexie: typeof publishedDexie = dexie;
export const sameReact: typeof publishedReact = react;
export const sameServiceWorker: typeof publishedServiceWorker = serviceWorker;
