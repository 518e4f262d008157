/** The dedicated worker of the package, with the package's own wasm. Holds nothing of its own. */

import { load, openCore, serve } from "./serve.js";

// What fails here fails again, and is told, when the core is opened.
load().catch(() => {});
serve(openCore);
