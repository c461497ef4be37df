//! What a token call takes, and what a token allows.

use std::time::{Duration, SystemTime};

use komopay_sandbox::{Operation, Sandbox};
use serde_json::{Value, json};

use crate::client::{Reply, call, create, documented_create, exchange, request};
use crate::start::{sandbox, start, start_for_wrong_requests};

fn credentials() -> Value {
    json!({"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret"})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = credentials();
    body[name] = value;
    body
}

async fn ask(sandbox: &Sandbox, body: &Value) -> Reply {
    exchange(sandbox, request("POST", "/auth-tokens", None, &body.to_string())).await
}

/// Sends a documented create with this token and tells the status.
async fn create_with(sandbox: &Sandbox, token: &str, id: &str) -> u16 {
    let body = documented_create().to_string();
    exchange(sandbox, request("POST", &format!("/payouts/{id}"), Some(token), &body)).await.status()
}

async fn get_with(sandbox: &Sandbox, token: &str, id: &str) -> u16 {
    exchange(sandbox, request("GET", &format!("/payouts/{id}"), Some(token), "")).await.status()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    // base64url without a dependency: six bits a letter.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in payload.bytes() {
        bits = bits << 6 | u32::try_from(alphabet.iter().position(|known| *known == letter).unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_token_has_exactly_the_claims_of_the_contract() {
    let sandbox = sandbox().await;
    let reply = ask(&sandbox, &with("operations", json!(["POST /payouts/A", "GET /payouts/A"]))).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "application/json");
    let claims = claims(reply.json()["token"].as_str().unwrap());
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["exp", "iat", "jti", "operations", "sub"]);
    assert_eq!(claims["operations"], json!(["POST /payouts/A", "GET /payouts/A"]));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 1800);
    assert_eq!(claims["sub"], "SANDBOX_MERCHANT");
    assert_eq!(sandbox.calls(Operation::IssueToken), 1);
}

#[tokio::test]
async fn validity_and_money_are_taken_over() {
    let sandbox = sandbox().await;
    let mut body = with("validitySecs", json!(60));
    body["money"] = json!({"amount": 42.05, "currencyCode": "USD"});
    let claims = claims(ask(&sandbox, &body).await.json()["token"].as_str().unwrap());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
    assert_eq!(claims["money"], json!({"amount": 42.05, "currencyCode": "USD"}));
    assert!(claims.get("operations").is_none());
}

#[tokio::test]
async fn a_violation_of_the_schema_is_400_and_names_the_field() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for (name, value) in [
        ("merchantCode", json!("")),
        ("merchantCode", json!(7)),
        ("secret", json!("")),
        ("secret", json!("s".repeat(1001))),
        ("validitySecs", json!(59)),
        ("validitySecs", json!(3601)),
        ("validitySecs", json!(60.5)),
        ("validitySecs", json!("600")),
        ("validitySecs", json!(null)),
        ("operations", json!([])),
        ("operations", json!("POST /payouts/A")),
        ("operations", json!(["HEAD /payouts/A"])),
        ("operations", json!([7])),
        ("money", json!({"amount": "5", "currencyCode": "IDR"})),
        ("money", json!({"amount": 0, "currencyCode": "IDR"})),
        ("money", json!({"amount": 5})),
    ] {
        let reply = ask(&sandbox, &with(name, value.clone())).await;
        assert_eq!(reply.status(), 400, "{name} {value}");
        assert!(reply.description().contains(name), "{name}: {}", reply.description());
    }
    for name in ["merchantCode", "secret"] {
        let mut body = credentials();
        body.as_object_mut().unwrap().remove(name);
        assert_eq!(ask(&sandbox, &body).await.description(), format!("{name} is required"));
    }
    assert_eq!(ask(&sandbox, &json!([])).await.status(), 400);
}

#[tokio::test]
async fn a_wrong_secret_is_403_and_the_rules_are_406() {
    let sandbox = sandbox().await;
    let reply = ask(&sandbox, &with("secret", json!("wrong"))).await;
    assert_eq!((reply.status(), reply.description().as_str()), (403, "secret not accepted"));
    assert_eq!(ask(&sandbox, &with("merchantCode", json!("OTHER"))).await.codes(), ["MERCHANT_NOT_FOUND"]);

    let reply = ask(&sandbox, &with("operations", json!(["DELETE /payouts/A"]))).await;
    assert_eq!(reply.codes(), ["OPERATION_INVALID"]);
    assert_eq!(reply.json()[0]["attrCode"], "operations");
}

#[tokio::test]
async fn a_merchant_that_is_switched_off_gets_no_token_and_no_payout() {
    let sandbox = start(Sandbox::builder().merchant_active(false)).await;
    assert_eq!(ask(&sandbox, &credentials()).await.codes(), ["MERCHANT_INACTIVE"]);
    assert_eq!(call(&sandbox, "GET", "/payouts/A", "").await.codes(), ["MERCHANT_INACTIVE"]);
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 403);
    assert!(sandbox.ledger().is_empty());
    sandbox.set_merchant_active(true);
    assert_eq!(ask(&sandbox, &credentials()).await.status(), 200);
}

#[tokio::test]
async fn without_a_usable_token_every_other_call_is_401() {
    let sandbox = start_for_wrong_requests(Sandbox::builder().seed(1)).await;
    let other = start(Sandbox::builder().seed(2)).await;
    let foreign = other.issue_token(&[], None, 600);
    let expired = sandbox.issue_token(&[], None, 0);
    let mut forged = sandbox.issue_token(&["GET /balances"], None, 600);
    let fine = sandbox.issue_token(&[], None, 600);
    forged = format!("{}.{}", fine.rsplit_once('.').unwrap().0, forged.rsplit_once('.').unwrap().1);
    // Nobody chooses how it is signed: none, HS384, RS256.
    let rest = fine.split_once('.').unwrap().1;
    let headers = ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzM4NCJ9", "eyJhbGciOiJSUzI1NiJ9"];
    let others = headers.map(|header| format!("{header}.{rest}"));
    let unsigned = format!("{}.{}.", headers[0], rest.split_once('.').unwrap().0);
    let [none, hs384, rs256] = &others;
    for token in [foreign.as_str(), &expired, &forged, none, hs384, rs256, &unsigned, "nonsense", ""] {
        assert_eq!(create_with(&sandbox, token, "A").await, 401, "{token}");
        assert_eq!(get_with(&sandbox, token, "A").await, 401, "{token}");
    }
    assert_eq!(exchange(&sandbox, request("GET", "/payouts/A", None, "")).await.status(), 401);
    assert_eq!(create_with(&sandbox, &fine, "A").await, 201);
}

#[tokio::test]
async fn a_token_allows_only_its_operations() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&["POST /payouts/A", "GET /payouts/B"], None, 600);
    assert_eq!(create_with(&sandbox, &token, "B").await, 403);
    assert_eq!(create_with(&sandbox, &token, "A").await, 201);
    assert_eq!(get_with(&sandbox, &token, "A").await, 403);
    assert_eq!(get_with(&sandbox, &token, "B").await, 410);
}

#[tokio::test]
async fn a_money_lock_is_compared_by_value() {
    let sandbox = sandbox().await;
    for (amount, currency, status) in [("9999", "IDR", 403), ("10000", "USD", 403), ("1e4", "IDR", 201)] {
        let token = sandbox.issue_token(&[], Some((amount, currency)), 600);
        assert_eq!(create_with(&sandbox, &token, "A").await, status, "{amount} {currency}");
    }
    let token = sandbox.issue_token(&[], Some(("10000.00", "IDR")), 600);
    assert_eq!(create_with(&sandbox, &token, "B").await, 201);
    assert_eq!(get_with(&sandbox, &token, "A").await, 200);
    let nonsense = sandbox.issue_token(&[], Some(("much", "IDR")), 600);
    assert_eq!(create_with(&sandbox, &nonsense, "C").await, 403);
}

#[tokio::test]
async fn a_locked_token_may_be_kept_from_reading() {
    let sandbox = start(Sandbox::builder().locked_tokens_may_read(false)).await;
    let token = sandbox.issue_token(&[], Some(("10000", "IDR")), 600);
    assert_eq!(create_with(&sandbox, &token, "A").await, 201);
    assert_eq!(get_with(&sandbox, &token, "A").await, 403);
}

#[tokio::test]
async fn every_call_needs_an_integer_api_version() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let token = sandbox.issue_token(&[], None, 600);
    for (method, path) in [("POST", "/auth-tokens"), ("POST", "/payouts/A"), ("GET", "/payouts/A")] {
        let fine = request(method, path, Some(&token), "");
        for header in ["", "X-API-Version: two\r\n", "X-API-Version: 2.47\r\n"] {
            let reply = exchange(&sandbox, fine.replace("X-API-Version: 2\r\n", header)).await;
            assert_eq!(reply.status(), 400, "{method} {path} {header}");
            assert!(reply.description().contains("X-API-Version"));
        }
    }
}

#[tokio::test]
async fn tokens_end_by_the_clock_that_answers_show_and_a_leeway_takes_them_for_longer() {
    for (leeway, taken) in [(0, [201, 401, 401]), (60, [201, 409, 401])] {
        let sandbox = start(Sandbox::builder().token_leeway(Duration::from_secs(leeway))).await;
        let reply = ask(&sandbox, &with("validitySecs", json!(60))).await;
        let token = reply.json()["token"].as_str().unwrap().to_owned();
        for (advance, status) in [(0, taken[0]), (60, taken[1]), (60, taken[2])] {
            sandbox.advance(Duration::from_secs(advance));
            assert_eq!(create_with(&sandbox, &token, "A").await, status, "{leeway} s, {advance} s on");
        }
        let reply = ask(&sandbox, &credentials()).await;
        let date = httpdate::parse_http_date(&reply.headers()["date"]).unwrap();
        let ahead = date.duration_since(SystemTime::now()).unwrap();
        assert!((Duration::from_secs(115)..=Duration::from_secs(120)).contains(&ahead), "{ahead:?}");
        let fresh = reply.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(create_with(&sandbox, &fresh, "A").await, 409);
    }
}
