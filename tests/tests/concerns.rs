//! Whom an error concerns, and which token calls are attempts of a call, against the real gateway.

use std::time::Duration;

use komopay_core::{Client, Concern, Config, Credentials, Error, ErrorKind, Money, PayoutId, TokenProvider};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::{client, config, hasty, id, request, sandbox, shown};

/// The error of a fresh create that meets this effect at this operation.
async fn refused(operation: Operation, effect: Effect) -> Error {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(operation), effect));
    let error = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap_err();
    shown(&error);
    error
}

fn rejected(code: &str) -> Effect {
    Effect::Rejected { code: code.to_owned(), uses_id_up: false }
}

/// Operation, status and whether a request id came, of each attempt.
fn attempts(error: &Error) -> Vec<(&str, Option<u16>)> {
    error.attempts().iter().map(|attempt| (attempt.operation.as_str(), attempt.http_status)).collect()
}

#[tokio::test]
async fn what_concerns_the_merchant_is_told_apart_from_what_concerns_this_payout() {
    use Operation::{CreatePayout, IssueToken};
    let (merchant, payout) = (Some(Concern::Merchant), Some(Concern::Payout));
    for (operation, effect, kind, concerns) in [
        (IssueToken, Effect::BadRequest, ErrorKind::Authentication, merchant),
        (IssueToken, Effect::Unauthorized, ErrorKind::Authentication, merchant),
        (IssueToken, Effect::Forbidden, ErrorKind::Authentication, merchant),
        (IssueToken, rejected("MERCHANT_NOT_FOUND"), ErrorKind::Rejected, merchant),
        (IssueToken, rejected("MERCHANT_INACTIVE"), ErrorKind::Rejected, merchant),
        (IssueToken, rejected("OPERATION_INVALID"), ErrorKind::Rejected, merchant),
        (IssueToken, rejected("A_NEW_RULE"), ErrorKind::Rejected, None),
        (CreatePayout, Effect::Unauthorized, ErrorKind::Authentication, merchant),
        (CreatePayout, Effect::Forbidden, ErrorKind::PermissionDenied, merchant),
        (CreatePayout, rejected("MERCHANT_NOT_FOUND"), ErrorKind::Rejected, merchant),
        (CreatePayout, rejected("MERCHANT_INACTIVE"), ErrorKind::Rejected, merchant),
        (CreatePayout, rejected("OPERATION_INVALID"), ErrorKind::Rejected, merchant),
        (CreatePayout, Effect::BadRequest, ErrorKind::InvalidRequest, payout),
        (CreatePayout, rejected("IP_DENIED"), ErrorKind::Rejected, payout),
        (CreatePayout, rejected("BALANCE_INSUFFICIENT"), ErrorKind::Rejected, payout),
        (CreatePayout, rejected("A_NEW_RULE"), ErrorKind::Rejected, payout),
    ] {
        let error = refused(operation, effect.clone()).await;
        assert_eq!((error.kind(), error.concerns()), (kind, concerns), "{operation:?} {effect:?}");
    }
}

#[tokio::test]
async fn what_is_refused_here_concerns_the_payout_and_settings_concern_the_merchant() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let mut cents = request();
    cents.money = Money::new("42.05", "IDR").unwrap();
    let error = client.create_payout(&id("P"), &cents, false).await.unwrap_err();
    assert_eq!((error.kind(), error.concerns()), (ErrorKind::InvalidRequest, Some(Concern::Payout)));
    assert_eq!(PayoutId::new("not an id").unwrap_err().concerns(), Some(Concern::Payout));

    client.create_payout(&id("P"), &request(), false).await.unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.concerns()), (ErrorKind::DuplicatePayout, Some(Concern::Payout)));

    let error = Client::new(Config::new("http://example.com", Credentials::token("t"))).unwrap_err();
    assert_eq!((error.kind(), error.concerns()), (ErrorKind::Configuration, Some(Concern::Merchant)));
}

#[tokio::test]
async fn what_may_pass_concerns_nobody_and_what_is_not_known_whom_its_cause_does() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    assert_eq!(client.get_payout(&id("NONE")).await.unwrap_err().concerns(), None);

    sandbox.inject(Fault::new(When::always(Operation::IssueToken), rejected("MERCHANT_INACTIVE")));
    let read = client.get_payout(&id("P")).await.unwrap_err();
    assert_eq!((read.kind(), read.concerns()), (ErrorKind::Rejected, Some(Concern::Merchant)));
    let unknown = client.create_payout(&id("P"), &request(), true).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.concerns()), (ErrorKind::OutcomeUnknown, Some(Concern::Merchant)));
    assert_eq!(unknown.cause().unwrap().concerns(), Some(Concern::Merchant));

    let nobody = Client::new(hasty("http://127.0.0.1:9")).unwrap();
    let error = nobody.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.concerns()), (ErrorKind::Unavailable, None));
    // The token calls that got no answer are there.
    assert!(!error.attempts().is_empty());
    assert!(attempts(&error).iter().all(|attempt| *attempt == ("POST /auth-tokens", None)), "{:?}", attempts(&error));
}

#[tokio::test]
async fn a_create_that_a_406_refuses_says_that_the_contract_is_silent_about_its_id() {
    let error = refused(Operation::CreatePayout, rejected("BALANCE_INSUFFICIENT")).await;
    let says = "whether the id P may be used again after that, the API's contract does not say";
    assert!(error.message().contains(says), "{error}");
    let error = refused(Operation::IssueToken, rejected("MERCHANT_INACTIVE")).await;
    assert!(!error.message().contains("used again"), "it was never sent: {error}");
}

#[tokio::test]
async fn a_token_call_is_an_attempt_and_a_token_in_hand_is_none() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), rejected("IP_DENIED")));
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!(
        attempts(&error),
        [("POST /auth-tokens", Some(200)), ("POST /payouts/P", Some(406)), ("GET /payouts/P", Some(410))]
    );
    let (token, create) = (&error.attempts()[0], &error.attempts()[1]);
    assert!(token.started_at <= create.started_at && token.duration > Duration::ZERO, "{token:?}");
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!(attempts(&error), [("POST /payouts/P", Some(406)), ("GET /payouts/P", Some(410))]);

    // A token that a function provides is no request of this client's.
    let token = "a token".to_owned();
    let provider = TokenProvider::new(move || std::future::ready(Ok(token.clone())));
    let of_a_provider =
        Client::new(Config { credentials: Credentials::Provider(provider), ..config(sandbox.base_url()) });
    let error = of_a_provider.unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert!(attempts(&error).iter().all(|(operation, _)| *operation == "POST /payouts/P"), "{:?}", attempts(&error));
}

#[tokio::test]
async fn a_token_call_that_several_calls_wait_for_is_an_attempt_of_each() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let hold = Fault::new(When::always(Operation::IssueToken), Effect::Delay { ms: 100 });
    sandbox.inject(hold);
    let unknown = id("NONE");
    let (one, other) = tokio::join!(client.get_payout(&unknown), client.get_payout(&unknown));
    assert_eq!(sandbox.calls(Operation::IssueToken), 1);
    let (one, other) = (one.unwrap_err(), other.unwrap_err());
    for error in [&one, &other] {
        // Whether it is asked once more depends on the connection that it came over.
        assert_eq!(attempts(error)[..2], [("POST /auth-tokens", Some(200)), ("GET /payouts/NONE", Some(410))]);
    }
    assert_eq!(one.attempts()[0], other.attempts()[0]);
}

#[tokio::test]
async fn a_token_call_that_does_not_end_in_time_is_an_attempt_without_an_answer() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(Operation::IssueToken), Effect::Delay { ms: 60_000 }));
    let settings = Config { total_timeout: Duration::from_secs(1), ..hasty(sandbox.base_url()) };
    let client = Client::new(settings).unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::TimedOut, false), "{error}");
    assert_eq!(attempts(&error)[0], ("POST /auth-tokens", None));
    assert!(error.attempts()[0].duration >= Duration::from_millis(300), "{:?}", error.attempts());
}

#[tokio::test]
async fn the_attempts_of_an_issued_token_are_told() {
    let sandbox: Sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(Operation::IssueToken), rejected("MERCHANT_INACTIVE")));
    let scope = komopay_core::AccessScope::Read { id: id("P") };
    let error = client(&sandbox).issue_token(&scope, Duration::from_secs(600)).await.unwrap_err();
    assert_eq!((error.kind(), error.concerns()), (ErrorKind::Rejected, Some(Concern::Merchant)));
    assert_eq!(attempts(&error), [("POST /auth-tokens", Some(406))]);
}
