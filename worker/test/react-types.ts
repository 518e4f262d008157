/** Checked by the compiler alone: the types of the hooks are the ones that are published. */

import * as built from "../react.js";
import type * as published from "lastword/react";

export const same: typeof published = built;
