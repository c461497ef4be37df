//! Callbacks: what it takes to read genuine ones, and to refuse forged ones.

use std::error::Error;

use komopay_core::{CallbackKey, CallbackUrlOptions, Client, Config, Credentials, PayoutId};

use crate::stretch::Stretch;

/// Reads so many callbacks, each of another payout. Genuine ones are signed by the one key that there is; forged ones
/// have a signature of the right form, and there are as many keys as there may be. Nobody listens where the client
/// would call.
pub(crate) fn run(calls: usize, genuine: bool) -> Result<(), Box<dyn Error>> {
    let client = |keys: Vec<CallbackKey>| {
        let mut config = Config::new("http://127.0.0.1:9", Credentials::token("ready-token"));
        config.callback_keys = keys;
        Client::new(config)
    };
    let signer = client(vec![CallbackKey::new("the only key, or the one of somebody else")])?;
    let eight = || (0..8).map(|n| CallbackKey::new(format!("key {n} of eight, in a rotation of keys"))).collect();
    let receiver = if genuine { signer.clone() } else { client(eight())? };
    let callbacks: Vec<(Vec<u8>, String)> = (0..calls)
        .map(|n| {
            let id = PayoutId::new(format!("PAYOUT-{n:06}"))?;
            let url = signer.callback_url("https://shop.example/hook", &id, &CallbackUrlOptions::default())?;
            Ok((format!(r#"{{"idEntity": "{id}"}}"#).into_bytes(), url))
        })
        .collect::<Result<_, komopay_core::Error>>()?;
    let stretch = Stretch::begin();
    let taken = callbacks.iter().filter(|(body, url)| receiver.read_callback(body, url).is_ok()).count();
    let line = stretch.end(calls);
    if taken != if genuine { calls } else { 0 } {
        return Err(format!("{taken} of {calls} callbacks were taken").into());
    }
    println!("{line}");
    Ok(())
}
