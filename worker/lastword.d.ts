/** What wasm-bindgen generates beside the bundles, as far as the workers use it. */

import type { CoreConfig, CoreHost, RawCore } from "./core.js";

/** Loads and starts the module; safe to call twice. */
export default function init(source: { module_or_path: URL | Response }): Promise<unknown>;

/** The sync core. */
export const SyncCore: { open(config: CoreConfig, host: CoreHost): Promise<RawCore> };
