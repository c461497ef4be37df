//! Forged callbacks: how much processor time it takes to refuse them.

use std::error::Error;
use std::time::Instant;

use komopay_core::{CallbackKey, CallbackUrlOptions, Client, Config, Credentials, PayoutId};

/// Refuses so many callbacks, each with another id and a signature of the right form, by as many keys as there may be.
/// Nobody listens where the client would call.
pub(crate) fn run(calls: usize) -> Result<(), Box<dyn Error>> {
    let client = |keys: Vec<CallbackKey>| {
        let mut config = Config::new("http://127.0.0.1:9", Credentials::token("ready-token"));
        config.callback_keys = keys;
        Client::new(config)
    };
    let somebody = client(vec![CallbackKey::new("the key of somebody else, not ours")])?;
    let receiver =
        client((0..8).map(|n| CallbackKey::new(format!("key {n} of eight, in a rotation of keys"))).collect())?;
    let forged: Vec<(Vec<u8>, String)> = (0..calls)
        .map(|n| {
            let id = PayoutId::new(format!("FORGED-{n}"))?;
            let url = somebody.callback_url("https://shop.example/hook", &id, &CallbackUrlOptions::default())?;
            Ok((format!(r#"{{"idEntity": "{id}"}}"#).into_bytes(), url))
        })
        .collect::<Result<_, komopay_core::Error>>()?;
    let started = Instant::now();
    let refused = forged.iter().filter(|(body, url)| receiver.read_callback(body, url).is_err()).count();
    let took = started.elapsed();
    if refused < calls {
        return Err(format!("{} of {calls} forged callbacks were taken", calls - refused).into());
    }
    // One thread that waits for nothing: the time that passes is at least the time of the processor.
    println!("{}", serde_json::json!({"calls": calls, "seconds": took.as_secs_f64(), "memory_kib": null}));
    Ok(())
}
