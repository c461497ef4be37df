//! Calls with options of their own: what they share with all others, and what happens where times differ.

use std::time::Duration;

use komopay_core::{CallOptions, Client, Credentials, ErrorKind};
use komopay_sandbox::{Effect, Fault, Operation, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{client, config, executed, hasty, id, request, sandbox, shown};

fn within(total: Duration) -> CallOptions {
    let mut options = CallOptions::default();
    options.total_timeout = Some(total);
    options
}

fn with_headers(headers: &[(&str, &str)]) -> CallOptions {
    let mut options = CallOptions::default();
    options.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    options
}

#[tokio::test]
async fn total_timeout_alone_is_enough() {
    let sandbox = sandbox().await;
    let mut config = komopay_core::Config::new(sandbox.base_url(), config(sandbox.base_url()).credentials);
    config.total_timeout = Duration::from_secs(10);
    let client = Client::new(config).unwrap();
    assert_eq!(client.create_payout(&id("P"), &request(), false).await.unwrap().payout_id, id("P"));
}

#[tokio::test]
async fn a_client_with_options_shares_tokens_and_what_is_remembered_of_unknown_outcomes() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let other = client.with_options(&within(Duration::from_secs(5))).unwrap();
    other.create_payout(&id("P"), &request(), false).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
    other.within(Duration::from_secs(3)).unwrap().get_payout(&id("P")).await.unwrap();
    assert_eq!(sandbox.calls(Operation::IssueToken), 1, "one token does for all of them");

    // Nothing that is sent is answered until the faults are gone.
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), Effect::CloseAfterReading));
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::CloseAfterReading));
    let hurried = client.with_options(&within(Duration::from_secs(2))).unwrap();
    let error = hurried.create_payout(&id("Q"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{}", shown(&error));
    sandbox.clear_faults();
    // The others know that, and begin by reading.
    client.create_payout(&id("Q"), &request(), false).await.unwrap();
    assert_eq!(executed(&sandbox, &id("Q")).await.len(), 1);

    other.close().await;
    assert_eq!(client.get_payout(&id("P")).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn who_has_less_time_than_the_create_it_joined_does_not_know_its_outcome_sent_or_not() {
    for sent in [false, true] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let held = if sent { Operation::CreatePayout } else { Operation::IssueToken };
        sandbox.inject(Fault::new(When::nth(held, 1), Effect::Hold));
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.create_payout(&id("P"), &request(), false).await }
        });
        while sandbox.calls(held) == 0 {
            tokio::task::yield_now().await;
        }
        let hurried = client.within(Duration::from_millis(50)).unwrap();
        let error = hurried.create_payout(&id("P"), &request(), false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{}", shown(&error));
        assert_eq!(error.cause().unwrap().kind(), ErrorKind::TimedOut);
        assert_eq!(client.creates_under_way(), [id("P")], "the create goes on");
        sandbox.clear_faults();
        assert!(!first.await.unwrap().unwrap().recovered);
        assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
    }
}

#[tokio::test]
async fn who_has_more_time_than_the_create_it_joined_uses_it() {
    for lost in [Operation::IssueToken, Operation::CreatePayout] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        // The hurried one gets no answer in its time: of its token, or of its create and the reads after it.
        let hang = || Fault::new(When::always(lost), Effect::CloseAfterReading);
        sandbox.inject(hang());
        if lost == Operation::CreatePayout {
            sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::CloseAfterReading));
        }
        let hurried = client.within(Duration::from_millis(600)).unwrap();
        let first = tokio::spawn(async move { hurried.create_payout(&id("P"), &request(), false).await });
        while sandbox.calls(lost) == 0 {
            tokio::task::yield_now().await;
        }
        let patient = tokio::spawn({
            let client = client.clone();
            async move { client.create_payout(&id("P"), &request(), false).await }
        });
        let error = first.await.unwrap().unwrap_err();
        assert!(error.retryable(), "{}", shown(&error));
        sandbox.clear_faults();
        patient.await.unwrap().unwrap();
        assert_eq!(executed(&sandbox, &id("P")).await.len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn headers_of_a_caller_go_with_each_request_of_its_calls_and_with_no_other() {
    let peer = Peer::start(|_, _| http("200 OK", "", r#"{"data": []}"#)).await;
    let mut config = hasty(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config).unwrap();
    let traced = client.with_options(&with_headers(&[("traceparent", "00-a"), ("X-Job", "7")])).unwrap();
    let both = traced.with_options(&with_headers(&[("x-job", "8")])).unwrap();
    client.currencies().await.unwrap();
    traced.currencies().await.unwrap();
    both.currencies().await.unwrap();
    let sent = peer.recorded();
    let both = |at: usize| (sent[at].header("traceparent"), sent[at].header("x-job"));
    assert_eq!([both(0), both(1), both(2)], [(None, None), (Some("00-a"), Some("7")), (Some("00-a"), Some("8"))]);
    assert_eq!(sent[2].header_names().iter().filter(|name| **name == "x-job").count(), 1);
}

#[tokio::test]
async fn bad_options_are_refused_by_their_names() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for total in [Duration::ZERO, Duration::from_micros(1), Duration::MAX] {
        let error = client.with_options(&within(total)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("total_timeout")));
        let error = client.within(total).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("timeout")));
    }
    let error = client.with_options(&with_headers(&[("Authorization", "Bearer canary")])).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("headers")));
    assert!(!shown(&error).contains("canary"));
}
