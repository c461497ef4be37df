//! What is refused, each by its own part, and that the platform hears nothing of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use komopay_core::{
    CallbackKey, CallbackUrlOptions, Client, Credentials, ErrorKind, MemoryChangeStore, SignaturePlace,
};
use komopay_sandbox::Operation;
use komopay_tests::{canary, client, config, id, request, sandbox, shown};
use sha2::Sha256;

use crate::{body, receiving, url};

/// A signature as the documents describe it, made without the SDK.
fn signature(key: &str, payout_id: &str, expires: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    for part in [&b"komopay-callback-1"[..], payout_id.as_bytes(), &expires.to_be_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    format!("1.{expires}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap()
}

#[tokio::test]
async fn what_is_forged_is_refused_and_costs_the_platform_nothing() {
    let sandbox = sandbox().await;
    let payer = client(&sandbox);
    payer.create_payout(&id("A"), &request(), false).await.unwrap();
    let tokens = sandbox.calls(Operation::IssueToken);
    let receiver = receiving(config(sandbox.base_url()), Some(std::sync::Arc::new(MemoryChangeStore::new())));
    let (good, key) = (url(&receiver, "A"), canary::CALLBACK_KEY);
    let signed = |key: &str, expires| format!("/hook/{}", signature(key, "A", expires));
    let large = vec![b' '; 10_000_000];
    for (what, body, url, part, status) in [
        ("a forged id", body("FORGED"), "/hook".to_owned(), "signature", 403),
        ("a URL used with another id", body("B"), good.clone(), "signature", 403),
        ("an expired URL", body("A"), signed(key, now() - 1), "expires_at", 403),
        ("an expiry that was changed", body("A"), signed(key, 0).replace("1.0.", "1.9999999999."), "signature", 403),
        ("a wrong key", body("A"), signed("another key of at least 32 bytes!!", 0), "signature", 403),
        ("the merchant's secret", body("A"), signed(canary::SECRET, 0), "signature", 403),
        ("a body of 10 MB", large, good.clone(), "body_size", 413),
        ("a body that is no JSON", b"idEntity=A".to_vec(), good.clone(), "body", 400),
        ("a URL without an end", body("A"), format!("{good}?x={}", "x".repeat(100_000)), "url", 400),
    ] {
        for error in
            [receiver.read_callback(&body, &url).unwrap_err(), receiver.handle_callback(&body, &url).await.unwrap_err()]
        {
            shown(&error);
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidCallback, Some(part)), "{what}");
            assert_eq!((error.callback_status(), error.retryable()), (status, false), "{what}");
        }
    }
    assert_eq!(sandbox.calls(Operation::GetPayout), 0);
    assert_eq!(sandbox.calls(Operation::IssueToken), tokens, "nor was a token asked for");
    assert!(receiver.take_changes(10).await.unwrap().is_empty());

    // The same, as it should be.
    assert_eq!(receiver.handle_callback(&body("A"), &signed(key, now() + 3600)).await.unwrap().payout_id, id("A"));
    assert_eq!(sandbox.calls(Operation::GetPayout), 1);
}

#[tokio::test]
async fn the_form_of_a_signed_url_is_the_documented_one() {
    let sandbox = sandbox().await;
    let client = receiving(config(sandbox.base_url()), None);
    let expires = now() + 3600;
    let expires_at = Some(Timestamp::from_second(expires.try_into().unwrap()).unwrap());
    for (place, expected) in [
        (SignaturePlace::Path, format!("https://shop.example/hook/{}", signature(canary::CALLBACK_KEY, "A", expires))),
        (
            SignaturePlace::Query,
            format!("https://shop.example/hook?komopay={}", signature(canary::CALLBACK_KEY, "A", expires)),
        ),
    ] {
        let options = CallbackUrlOptions { expires_at, place };
        assert_eq!(client.callback_url("https://shop.example/hook", &id("A"), &options).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_new_key_signs_and_an_old_one_still_verifies() {
    let sandbox = sandbox().await;
    let with_keys = |keys: &[&str]| {
        let mut config = config(sandbox.base_url());
        config.callback_keys = keys.iter().map(|key| CallbackKey::new(*key)).collect();
        Client::new(config).unwrap()
    };
    let new = "the new key, which has 32 bytes too";
    let (before, between, after) =
        (with_keys(&[canary::CALLBACK_KEY]), with_keys(&[new, canary::CALLBACK_KEY]), with_keys(&[new]));
    let (old_url, new_url) = (url(&before, "A"), url(&between, "A"));
    assert!(before.read_callback(&body("A"), &old_url).is_ok());
    assert!(between.read_callback(&body("A"), &old_url).is_ok() && between.read_callback(&body("A"), &new_url).is_ok());
    assert!(after.read_callback(&body("A"), &new_url).is_ok());
    assert!(after.read_callback(&body("A"), &old_url).is_err() && before.read_callback(&body("A"), &new_url).is_err());
}

#[tokio::test]
async fn without_a_key_a_callback_is_read_and_not_believed() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let callback = client.read_callback(&body("A"), "/anything").unwrap();
    assert_eq!((callback.payout_id, callback.verified), (id("A"), false));
    let error = client.handle_callback(&body("A"), "/anything").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("callback_keys")));
    assert_eq!((error.callback_status(), sandbox.calls(Operation::GetPayout)), (500, 0));
    let options = CallbackUrlOptions::default();
    let error = client.callback_url("https://shop.example", &id("A"), &options).unwrap_err();
    assert_eq!(error.field(), Some("callback_keys"));
}

#[tokio::test]
async fn the_platform_takes_a_signed_url() {
    let sandbox = sandbox().await;
    let client = receiving(config(sandbox.base_url()), None);
    let mut request = request();
    let base = format!("https://shop.example/{}", "x".repeat(900));
    request.callback_url = Some(client.callback_url(&base, &id("A"), &CallbackUrlOptions::default()).unwrap());
    client.create_payout(&id("A"), &request, false).await.unwrap();
}

#[test]
fn a_secret_is_no_key() {
    let secret = "a merchant's secret of some length, at least 32";
    let mut config = config("http://127.0.0.1:9");
    config.credentials = Credentials::merchant(canary::MERCHANT, secret);
    config.callback_keys = vec![CallbackKey::new(secret)];
    let error = Client::new(config).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("callback_keys")));
    assert!(!error.message().contains(secret));
}
