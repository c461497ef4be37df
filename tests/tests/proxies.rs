//! Proxies: one that cannot be used is refused when a client is made, and one that refuses the password ends a call
//! once.

use std::net::SocketAddr;
use std::process::Command;

use komopay_core::{Client, Config, Credentials, ErrorKind};
use komopay_sandbox::{Effect, Operation, Sandbox};
use komopay_tests::proxy::Proxy;
use komopay_tests::{break_nth, config, executed, id, request, shown, start};

const REFUSED: &str = "407 Proxy Authentication Required";

/// A sandbox over TLS, and settings for it.
async fn over_tls() -> (Sandbox, SocketAddr, Config) {
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let sandbox = start(Sandbox::builder().tls(&certificate, &key)).await;
    let path =
        std::env::temp_dir().join(format!("komopay-proxies-{}-{:p}.pem", std::process::id(), &raw const sandbox));
    std::fs::write(&path, certificate).unwrap();
    let mut config = config(sandbox.base_url());
    config.ca_file = Some(path);
    let address = sandbox.base_url().trim_start_matches("https://").parse().unwrap();
    (sandbox, address, config)
}

#[tokio::test]
async fn a_proxy_is_used_when_it_is_set_and_sees_no_request() {
    let (sandbox, address, mut config) = over_tls().await;
    let proxy = Proxy::start(address, usize::MAX, REFUSED).await;
    config.proxy = Some(proxy.url());
    Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap();
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
    let asked = proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|head| head.starts_with(&format!("CONNECT {address} "))),
        "{asked:?}"
    );
    assert!(asked.iter().all(|head| head.to_lowercase().contains("proxy-authorization: basic ")), "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_refuses_the_password_is_asked_once_and_the_settings_are_at_fault() {
    let (sandbox, address, config) = over_tls().await;
    for credentials in [config.credentials.clone(), Credentials::token("opaque-token")] {
        let proxy = Proxy::start(address, 0, REFUSED).await;
        let config = Config { proxy: Some(proxy.url()), credentials, ..config.clone() };
        let client = Client::new(config).unwrap();
        let create = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
        assert_eq!(proxy.asked().len(), 1);
        let read = client.get_payout(&id("P")).await.unwrap_err();
        assert_eq!(proxy.asked().len(), 2);
        for error in [create, read] {
            assert!(!shown(&error).contains("proxy-canary"));
            assert_eq!((error.kind(), error.retryable()), (ErrorKind::Configuration, false), "{error}");
            assert!(!error.money_may_have_moved());
            assert!(error.message().contains("proxy: ") && error.message().contains("407"), "{error}");
        }
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
}

#[tokio::test]
async fn other_refusals_of_a_proxy_may_pass() {
    let (_sandbox, address, mut config) = over_tls().await;
    for status in ["502 Bad Gateway", "503 Service Unavailable", "403 Forbidden"] {
        let proxy = Proxy::start(address, 0, status).await;
        config.proxy = Some(proxy.url());
        let error = Client::new(config.clone()).unwrap().get_payout(&id("P")).await.unwrap_err();
        assert_eq!((error.kind(), error.retryable()), (ErrorKind::Unavailable, true), "{status}");
        assert_eq!(proxy.asked().len(), 4, "{status}");
    }
}

#[tokio::test]
async fn a_create_that_was_sent_before_the_proxy_refused_the_password_may_have_been_made() {
    let (sandbox, address, mut config) = over_tls().await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    let proxy = Proxy::start(address, 1, REFUSED).await;
    config.proxy = Some(proxy.url());
    let error = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::OutcomeUnknown, true), "{error}");
    assert_eq!(error.cause().map(komopay_core::Error::kind), Some(ErrorKind::Configuration));
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
}

#[test]
fn a_proxy_of_the_environment_that_cannot_be_used_is_refused_by_its_name_and_nothing_goes_direct() {
    for (variable, proxy) in
        [("HTTPS_PROXY", "socks5://127.0.0.1:1080"), ("all_proxy", "http://user:proxy-canary@ho st")]
    {
        let output = in_environment(&[(variable, proxy)]);
        assert!(output.contains("1 failed") && output.contains(variable), "{output}");
        assert!(!output.contains("proxy-canary"), "{output}");
    }
    for environment in [
        &[("HTTPS_PROXY", "http://127.0.0.1:9")] as &[_],
        &[("HTTPS_PROXY", "socks5://127.0.0.1:9"), ("NO_PROXY", "gateway.invalid")],
        // Plain http leaves this machine by no way at all.
        &[("HTTP_PROXY", "socks5://127.0.0.1:9")],
    ] {
        let output = in_environment(environment);
        assert!(output.contains("1 passed"), "{environment:?}: {output}");
    }
}

/// What the test below prints under these variables, and no other proxy's.
fn in_environment(variables: &[(&str, &str)]) -> String {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "a_client_of_a_far_host_is_made", "--nocapture"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "NO_PROXY", "no_proxy"] {
        program.env_remove(name);
    }
    let output = program.envs(variables.iter().copied()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn a_client_of_a_far_host_is_made() {
    Client::new(config("https://gateway.invalid")).unwrap();
}
