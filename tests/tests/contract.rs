//! The judge of requests and answers: it knows the contract's own examples, and it finds what is wrong.

use komopay_core::{Client, PayoutMethod};
use komopay_sandbox::{Effect, Operation, Sandbox};
use komopay_tests::contract::{Request, Violation, check_answer, check_request, judged};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{break_nth, client, config, id, request as payout_request, sandbox, start};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contract");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A request with the headers of the contract, but for those changed.
fn request(method: &str, target: &str, body: &str, changed: &[(&str, Option<&str>)]) -> Result<(), Violation> {
    let header = |name: &str| {
        let usual = match name.to_lowercase().as_str() {
            "x-api-version" => Some("2"),
            "authorization" => Some("Bearer token"),
            "content-type" if !body.is_empty() => Some("application/json"),
            _ => None,
        };
        let changed = changed.iter().find(|(other, _)| name.eq_ignore_ascii_case(other));
        changed.map_or(usual, |(_, value)| *value).map(str::to_owned)
    };
    check_request(&Request { method, target, header: &header, body: body.as_bytes() })
}

#[test]
fn every_example_of_the_contract_passes() {
    let manifest: Value = serde_json::from_str(&read("examples/manifest.json")).unwrap();
    let mut passed = 0;
    for example in manifest.as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let file = text(&example["file"]);
        let body = read(&format!("examples/{file}"));
        let method = text(&example["operation"][0]).to_uppercase();
        let path = text(&example["operation"][1]).replace("{idPayout}", "INV-2024-0001");
        let outcome = match text(&example["kind"]).as_str() {
            "requestBody" => request(&method, &path, &body, &[]),
            "responseBody" => check_answer(&method, &path, text(&example["status"]).parse().unwrap(), body.as_bytes()),
            // A call as a whole: its path and query.
            "getRequest" => {
                let call: Value = serde_json::from_str(&body).unwrap();
                let query = call["query"].as_object().into_iter().flatten();
                let query: Vec<_> = query.map(|(name, value)| format!("{name}={}", text(value))).collect();
                request(&method, &format!("{}?{}", text(&call["path"]), query.join("&")), "", &[])
            }
            _ => continue,
        };
        assert_eq!(outcome, Ok(()), "{file}");
        passed += 1;
    }
    assert!(passed >= 30, "{passed} of {}", manifest.as_array().unwrap().len());
}

#[test]
fn what_is_wrong_with_a_request_is_found() {
    let create = read("documented/create.request.json");
    let changed = |pointer: &str, value: Value| {
        let mut body: Value = serde_json::from_str(&create).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    let name = "/paymentMethod/account/accountName";
    for (method, target, body, headers, fine) in [
        ("POST", "/payouts/A", create.clone(), &[][..], true),
        ("POST", "/payouts/A", changed(name, json!("Jose\u{301} 張偉")), &[], true),
        ("POST", "/payouts/A", changed(name, json!("R2D2")), &[], false),
        ("POST", "/payouts/A", changed(name, json!("x".repeat(65))), &[], false),
        ("POST", "/payouts/A", changed("/paymentRequested/money/amount", json!(0)), &[], false),
        ("POST", "/payouts/A", changed("/paymentRequested/money/amount", json!("10000")), &[], false),
        ("POST", "/payouts/A", changed("/paymentMethod/paymentOperatorCode", json!("a b")), &[], false),
        ("POST", "/payouts/A", changed("/paymentMethod/paymentMethodCode", json!("CASH")), &[], false),
        ("POST", "/payouts/A", "{".to_owned(), &[], false),
        ("POST", "/payouts/A%20B", create.clone(), &[], false),
        ("POST", "/payouts/A", create.clone(), &[("X-API-Version", None)], false),
        ("POST", "/payouts/A", create.clone(), &[("X-API-Version", Some("two"))], false),
        ("POST", "/payouts/A", create.clone(), &[("Authorization", None)], false),
        ("POST", "/payouts/A", create.clone(), &[("Authorization", Some("Basic x"))], false),
        ("POST", "/payouts/A", create.clone(), &[("Content-Type", Some("text/plain"))], false),
        ("GET", "/payouts/A", String::new(), &[], true),
        ("GET", "/payouts/T%2d1", String::new(), &[], true),
        ("GET", "/payouts/A%2FB", String::new(), &[], false),
        ("GET", "/payouts/%21availablePaymentOptions", String::new(), &[], false),
        ("GET", "/payouts/A", "{}".to_owned(), &[], false),
        ("DELETE", "/payouts/A", String::new(), &[], false),
        ("GET", "/payouts/A/B", String::new(), &[], false),
        ("GET", "/payouts/", String::new(), &[], false),
        ("GET", "/payouts/!availablePaymentOptions", String::new(), &[], false),
        ("GET", "/balances?currencyCodes=IDR,USD", String::new(), &[], true),
        ("GET", "/balances?currencyCodes=IDR&currencyCodes=USD", String::new(), &[], false),
        ("GET", "/balances?currencies=IDR", String::new(), &[], false),
        ("GET", "/payment-options?paymentTypeCode=PAYOUT", String::new(), &[], true),
        ("GET", "/payment-options?paymentTypeCode=BOTH", String::new(), &[], false),
        (
            "POST",
            "/auth-tokens",
            json!({"merchantCode": "M", "secret": "s"}).to_string(),
            &[("Authorization", None)],
            true,
        ),
        (
            "POST",
            "/auth-tokens",
            json!({"merchantCode": "M", "secret": "s", "validitySecs": 59}).to_string(),
            &[],
            false,
        ),
        (
            "POST",
            "/auth-tokens",
            json!({"merchantCode": "M", "secret": "s", "operations": ["HEAD /x"]}).to_string(),
            &[],
            false,
        ),
        ("POST", "/auth-tokens", json!({"merchantCode": "M"}).to_string(), &[], false),
    ] {
        let outcome = request(method, target, &body, headers);
        assert_eq!(outcome.is_ok(), fine, "{method} {target} {body} {headers:?}: {outcome:?}");
    }
}

#[test]
fn what_is_wrong_with_an_answer_is_found() {
    let detail = read("examples/payout-get.response.200.json");
    let changed = |from: &str, to: &str| {
        assert!(detail.contains(from), "{from}");
        detail.replace(from, to)
    };
    for (method, path, status, body, fine) in [
        ("GET", "/payouts/A", 200, detail.clone(), true),
        ("GET", "/payouts/A", 200, changed("SUCCESS", "ON_HOLD"), false),
        ("GET", "/payouts/A", 200, changed("\"createdAt\": \"", "\"createdAt\": \"on "), false),
        ("GET", "/payouts/A", 200, changed("\"isTest\"", "\"isLive\""), false),
        ("GET", "/payouts/A", 200, changed("\"idPayment\"", "\"payment\""), false),
        ("GET", "/payouts/A", 201, detail.clone(), false),
        ("GET", "/payouts/A", 404, "{}".to_owned(), false),
        ("GET", "/payouts/A", 410, r#"{"description":"gone"}"#.to_owned(), true),
        ("GET", "/payouts/A", 410, r#"{"description":7}"#.to_owned(), false),
        ("GET", "/payouts/A", 406, r#"[{"code":"MERCHANT_INACTIVE"}]"#.to_owned(), true),
        ("GET", "/payouts/A", 406, r#"[{"code":"BALANCE_INSUFFICIENT"}]"#.to_owned(), false),
        ("GET", "/payouts/A", 406, r#"{"code":"MERCHANT_INACTIVE"}"#.to_owned(), false),
        ("POST", "/payouts/A", 410, "{}".to_owned(), false),
        ("GET", "/balances", 200, r#"{"data":[]}"#.to_owned(), true),
        ("GET", "/balances", 200, r#"{"data":[{"currencyCode":"IDR"}]}"#.to_owned(), false),
        ("GET", "/balances", 200, "<html>".to_owned(), false),
        ("GET", "/nothing", 404, "{}".to_owned(), true),
        ("DELETE", "/balances", 405, "{}".to_owned(), true),
        ("DELETE", "/balances", 200, "{}".to_owned(), false),
    ] {
        let outcome = check_answer(method, path, status, body.as_bytes());
        assert_eq!(outcome.is_ok(), fine, "{method} {path} {status} {body}: {outcome:?}");
    }
}

#[test]
fn a_violation_ends_the_whole_test_program_and_says_what_it_is() {
    for (order, words) in [
        ("request", "a request breaks the contract: /paymentMethod"),
        ("peer", "a request breaks the contract: /paymentMethod"),
        ("answer", "the sandbox breaks the contract"),
    ] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_call_as_ordered"])
            .env("TEST_ORDER", order)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success() && said.contains(words), "{order}: {said}");
    }
}

/// One call: a fine one, or, for the test above, one that breaks the contract.
#[tokio::test]
async fn a_call_as_ordered() {
    let order = std::env::var("TEST_ORDER").unwrap_or_default();
    let mut request = payout_request();
    if let (PayoutMethod::BankTransfer(bank), "request" | "peer") = (&mut request.method, order.as_str()) {
        bank.account.name = "R2D2".to_owned();
    }
    let sandbox = start(Sandbox::builder().documented_answers(order == "answer")).await;
    let peer = Peer::start(|_, _| http("200 OK", "", r#"{"token":"t"}"#)).await;
    let mut config = if order == "peer" { config(&peer.base_url()) } else { config(sandbox.base_url()) };
    config.validate = false;
    Client::new(config).unwrap().create_payout(&id("P"), &request, false).await.unwrap();
}

#[tokio::test]
async fn requests_are_judged_whatever_breaks_and_answers_only_if_they_are_true() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    client.currencies().await.unwrap();
    // Other tests of this program judge, too: what is counted here is at least what this test sends.
    let (requests, answers) = judged();
    for effect in
        [Effect::CaptivePortal, Effect::Status { status: 404 }, Effect::Garbage { status: 200, execute: true }]
    {
        break_nth(&sandbox, Operation::ListCurrencies, 1, effect);
        client.currencies().await.unwrap_err();
    }
    let (more_requests, more_answers) = judged();
    assert!(more_requests >= requests + 3 && more_answers > answers);
}
