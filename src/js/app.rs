//! The macro that makes an app's own wasm module, its records checked by the app's own types. Never holds a rule.

/// Exports `openCore(options, host)` to JavaScript: `SyncCore.open`, for the entities of these types.
///
/// The options may leave `entities` out, and may say more of one: a store, a policy, names of fields. The calling crate
/// needs `wasm-bindgen` of the version that lastword uses.
#[macro_export]
macro_rules! app {
    ($($entity:ty),+ $(,)?) => {
        /// Opens a replica whose records are this app's own types.
        ///
        /// # Errors
        /// As `SyncCore.open`.
        #[::wasm_bindgen::prelude::wasm_bindgen(js_name = openCore)]
        pub async fn open_core(
            options: ::wasm_bindgen::JsValue,
            host: ::wasm_bindgen::JsValue,
        ) -> Result<$crate::js::client::SyncCore, ::wasm_bindgen::JsValue> {
            let types = [$(<$entity as $crate::typed::Entity>::declared()),+].into_iter().collect();
            $crate::js::client::SyncCore::open_with(types, options, host).await
        }
    };
}
