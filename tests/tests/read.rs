//! Reading and waiting: what is waited out, what is not, and what an error carries.

use std::time::Duration;

use komopay_core::{Client, Credentials, ErrorKind, PayoutStatus};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{break_nth, client, config, hasty, id, request, sandbox, shown, start};

/// A sandbox that never finishes a payout, and one payout in it.
async fn processing() -> (Sandbox, Client) {
    let sandbox = start(Sandbox::builder()).await;
    let client = client(&sandbox);
    let mut request = request();
    if let komopay_core::PayoutMethod::BankTransfer(bank) = &mut request.method {
        bank.account.number = "9000000099".to_owned();
    }
    client.create_payout(&id("P"), &request, false).await.unwrap();
    (sandbox, client)
}

#[tokio::test]
async fn an_unknown_payout_is_not_found() {
    let sandbox = sandbox().await;
    let error = client(&sandbox).get_payout(&id("NONE")).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::NotFound, Some(410)));
    // The token call has used the connection: "not there" may be another's answer, so it is asked once more over
    // another.
    assert_eq!((error.attempts().len(), error.payout_id()), (3, Some(&id("NONE"))));
}

#[tokio::test]
async fn a_read_hides_every_long_number_that_it_is_told_for_it_knows_no_account() {
    let text = r#"{"description":"payout to 55667788 of 1234567 is odd"}"#;
    let peer = Peer::start(move |_, _| http("400 Bad Request", "", text)).await;
    let mut config = hasty(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let error = Client::new(config).unwrap().get_payout(&id("P")).await.unwrap_err();
    assert!(shown(&error).contains("payout to [hidden] of 1234567 is odd"), "{error}");
}

#[tokio::test]
async fn a_read_is_tried_again_where_that_helps_and_only_so_often() {
    for (effect, kind, calls) in [
        (Effect::Status { status: 503 }, ErrorKind::Unavailable, 4),
        (Effect::CloseAfterReading, ErrorKind::Unavailable, 4),
        (Effect::RateLimited { retry_after_secs: None }, ErrorKind::RateLimited, 4),
        (Effect::RateLimited { retry_after_secs: Some(3600) }, ErrorKind::RateLimited, 1),
        (Effect::NotFound, ErrorKind::NotFound, 2),
        (Effect::BadRequest, ErrorKind::InvalidRequest, 1),
        (Effect::CaptivePortal, ErrorKind::UnexpectedResponse, 1),
        (Effect::Redirect { status: 302, location: None }, ErrorKind::UnexpectedResponse, 1),
        (Effect::Garbage { status: 200, execute: false }, ErrorKind::UnexpectedResponse, 1),
        (Effect::Rejected { code: "MERCHANT_INACTIVE".to_owned(), uses_id_up: false }, ErrorKind::Rejected, 1),
    ] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        client.create_payout(&id("P"), &request(), false).await.unwrap();
        sandbox.inject(Fault::new(When::always(Operation::GetPayout), effect.clone()));
        let error = client.get_payout(&id("P")).await.unwrap_err();
        shown(&error);
        assert_eq!((error.kind(), sandbox.calls(Operation::GetPayout)), (kind, calls), "{effect:?}");
        assert_eq!(error.attempts().len() as u64, calls, "{effect:?}");
    }
}

#[tokio::test]
async fn a_read_that_gets_no_answer_is_timed_out() {
    let (sandbox, _) = processing().await;
    let client = Client::new(hasty(sandbox.base_url())).unwrap();
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::Delay { ms: 60_000 }));
    let error = client.get_payout(&id("P")).await.unwrap_err();
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::TimedOut, true));
}

#[tokio::test]
async fn waiting_sees_through_a_lag_a_429_a_5xx_and_a_lost_connection() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    for (n, effect) in [
        Effect::GoneForGet { ms: 60_000 },
        Effect::RateLimited { retry_after_secs: Some(0) },
        Effect::Status { status: 502 },
        Effect::CloseBeforeReading,
        Effect::CutAnswer { at_byte: 100 },
    ]
    .into_iter()
    .enumerate()
    {
        break_nth(&sandbox, Operation::GetPayout, n as u64 + 1, effect);
    }
    let payout = client.wait_for_payout(&id("P"), Duration::from_secs(20)).await.unwrap();
    assert_eq!(payout.status, PayoutStatus::Success);
    assert_eq!(sandbox.calls(Operation::GetPayout), 6);
}

#[tokio::test]
async fn waiting_returns_on_failed_and_refused_too() {
    for (account, status) in [("9000000001", PayoutStatus::Failed), ("9000000031", PayoutStatus::Refused)] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let mut request = request();
        if let komopay_core::PayoutMethod::BankTransfer(bank) = &mut request.method {
            account.clone_into(&mut bank.account.number);
        }
        client.create_payout(&id("P"), &request, false).await.unwrap();
        let payout = client.wait_for_payout(&id("P"), Duration::from_secs(10)).await.unwrap();
        assert_eq!(payout.status, status);
        assert!(payout.failure_reason.is_some());
    }
}

#[tokio::test]
async fn waiting_ends_as_not_final_with_the_last_payout_seen() {
    let (_sandbox, client) = processing().await;
    let error = client.wait_for_payout(&id("P"), Duration::from_secs(2)).await.unwrap_err();
    shown(&error);
    assert_eq!(error.kind(), ErrorKind::NotFinal);
    assert!(error.retryable() && error.money_may_have_moved());
    assert_eq!(error.payout().unwrap().status, PayoutStatus::Processing);
}

#[tokio::test]
async fn waiting_for_nothing_is_one_look() {
    let (sandbox, client) = processing().await;
    let error = client.wait_for_payout(&id("P"), Duration::from_nanos(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinal);
    assert!(sandbox.calls(Operation::GetPayout) <= 1);
}

#[tokio::test]
async fn waiting_does_not_see_through_what_will_not_change() {
    let (sandbox, client) = processing().await;
    for (effect, kind) in [
        (Effect::Forbidden, ErrorKind::PermissionDenied),
        (Effect::BadRequest, ErrorKind::InvalidRequest),
        (Effect::CaptivePortal, ErrorKind::UnexpectedResponse),
    ] {
        sandbox.inject(Fault::new(When::always(Operation::GetPayout), effect));
        let error = client.wait_for_payout(&id("P"), Duration::from_secs(20)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_payout_that_stays_unknown_after_the_settle_window_is_not_found() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.settle_window = Duration::from_millis(500);
    let error = Client::new(config).unwrap().wait_for_payout(&id("NONE"), Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(sandbox.calls(Operation::GetPayout) > 1, "a 410 within the window is waited out");
}

#[tokio::test]
async fn closing_ends_a_wait() {
    let (sandbox, client) = processing().await;
    let (id, before) = (id("P"), sandbox.calls(Operation::GetPayout));
    let (waited, ()) = tokio::join!(client.wait_for_payout(&id, Duration::from_secs(60)), async {
        while sandbox.calls(Operation::GetPayout) == before {
            tokio::task::yield_now().await;
        }
        client.close().await;
    });
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn an_answer_about_another_payout_is_not_understood() {
    let peer = Peer::start(|_, request| {
        if request.line.contains("auth-tokens") {
            return http("200 OK", "", r#"{"token":"opaque"}"#);
        }
        http("200 OK", "", include_str!("../contract/documented/status.response.json"))
    })
    .await;
    let error = Client::new(config(&peer.base_url())).unwrap().get_payout(&id("TST-223344")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}
