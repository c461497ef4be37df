//! Callbacks over real sockets: what is refused, what is read, and that every change comes once, whatever happens.

mod answers;
mod belonging;
mod changes;
mod crashes;
mod forgeries;
mod platform;
mod refused;
#[cfg(unix)]
mod with_postgres;

use std::sync::Arc;

use komopay_core::{CallbackKey, CallbackUrlOptions, ChangeStore, Client, Config};
use komopay_tests::{canary, id};

/// The settings of a client that receives callbacks.
fn receiving(mut config: Config, store: Option<Arc<dyn ChangeStore>>) -> Client {
    config.callback_keys = vec![CallbackKey::new(canary::CALLBACK_KEY)];
    config.change_store = store;
    Client::new(config).expect("the settings are fine")
}

/// What the platform posts for this payout.
fn body(payout_id: &str) -> Vec<u8> {
    format!(r#"{{"idEntity": "{payout_id}"}}"#).into_bytes()
}

/// The signed URL of this payout.
fn url(client: &Client, payout_id: &str) -> String {
    client.callback_url("https://shop.example/hook", &id(payout_id), &CallbackUrlOptions::default()).unwrap()
}
