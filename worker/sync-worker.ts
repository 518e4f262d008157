/** The dedicated worker of the package, with the package's own wasm. Holds nothing of its own. */

import { openCore, serve } from "./serve.js";

serve(openCore);
