//! The contract as data, and what every operation has in common.

use std::sync::LazyLock;

use komopay_sandbox::{Operation, Sandbox};
use komopay_tests::contract::check_answer;
use serde_json::{Value, json};

use crate::client::{Reply, call, documented_create, exchange, request};
use crate::start::{sandbox, start, start_for_wrong_requests};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract");

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    serde_saphyr::from_str(&std::fs::read_to_string(format!("{FOLDER}/payout-api.yaml")).unwrap()).unwrap()
});

/// An example of the contract.
pub fn example(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("{FOLDER}/examples/{file}")).unwrap()).unwrap()
}

/// The definition behind a value that may be a reference.
fn resolved(value: &Value) -> &Value {
    let Some(reference) = value.get("$ref") else { return value };
    CONTRACT.pointer(reference.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()
}

fn definition(operation: Operation) -> &'static Value {
    &CONTRACT["paths"][operation.path()][operation.method().as_str().to_lowercase()]
}

/// The 406 codes that the contract declares.
pub fn codes(operation: Operation) -> Vec<String> {
    let refused = resolved(&definition(operation)["responses"]["406"]);
    let schema = resolved(&refused["content"]["application/json"]["schema"]);
    let codes = schema.pointer("/items/allOf/1/properties/code/enum").and_then(Value::as_array);
    codes.into_iter().flatten().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// Holds what came over the wire against the contract: its status, its type and its body.
pub fn check(operation: Operation, reply: &Reply) {
    assert_eq!(reply.headers()["content-type"], "application/json", "{operation}");
    let outcome = check_answer(operation.method().as_str(), &path(operation), reply.status(), reply.body().as_bytes());
    assert_eq!(outcome, Ok(()), "{operation}: {}", reply.text());
}

/// The path of an operation, about the payout `A`.
pub fn path(operation: Operation) -> String {
    operation.path().replace("{idPayout}", "A")
}

/// A body that an operation takes.
pub fn body(operation: Operation) -> String {
    match operation {
        Operation::IssueToken => json!({"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret"}).to_string(),
        Operation::CreatePayout => documented_create().to_string(),
        Operation::ListAvailablePayoutOptions => json!({"money": {"amount": 10000, "currencyCode": "IDR"}}).to_string(),
        _ => String::new(),
    }
}

/// A request that is fine, with this token.
fn fine(operation: Operation, token: Option<&str>) -> String {
    request(operation.method().as_str(), &path(operation), token, &body(operation))
}

#[tokio::test]
async fn the_operations_are_those_of_the_contract() {
    let mut expected: Vec<_> =
        Operation::ALL.iter().map(|operation| format!("{} {}", operation.method(), operation.path())).collect();
    let mut declared = Vec::new();
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|key| ["get", "post"].contains(&key.as_str()));
        declared.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    expected.sort();
    declared.sort();
    assert_eq!(expected, declared);
}

#[tokio::test]
async fn what_is_fine_is_answered_in_the_schema_of_the_contract() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&[], None, 600);
    for operation in Operation::ALL {
        let reply = exchange(&sandbox, fine(operation, Some(&token))).await;
        check(operation, &reply);
        assert_eq!(reply.status(), if operation == Operation::CreatePayout { 201 } else { 200 }, "{operation}");
        assert_eq!(sandbox.calls(operation), 1, "{operation}");
    }
    check(Operation::CreatePayout, &exchange(&sandbox, fine(Operation::CreatePayout, Some(&token))).await);
    check(Operation::GetPayout, &call(&sandbox, "GET", "/payouts/B", "").await);
}

#[tokio::test]
async fn without_an_integer_version_every_operation_is_400() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let token = sandbox.issue_token(&[], None, 600);
    for operation in Operation::ALL {
        for header in ["", "X-API-Version: two\r\n", "X-API-Version: 2.47\r\n", "X-API-Version: \r\n"] {
            let bytes = fine(operation, Some(&token)).replace("X-API-Version: 2\r\n", header);
            let reply = exchange(&sandbox, bytes).await;
            check(operation, &reply);
            assert_eq!(reply.status(), 400, "{operation} {header}");
            assert!(reply.description().contains("X-API-Version"));
        }
    }
}

#[tokio::test]
async fn without_a_usable_token_every_operation_is_401_and_without_permission_403() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let expired = sandbox.issue_token(&[], None, 0);
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::IssueToken) {
        for token in [None, Some("nonsense"), Some(expired.as_str())] {
            let reply = exchange(&sandbox, fine(operation, token)).await;
            check(operation, &reply);
            assert_eq!(reply.status(), 401, "{operation}");
        }
        let others: Vec<_> = Operation::ALL.into_iter().filter(|other| *other != operation).collect();
        let allowed: Vec<_> = others.iter().map(|other| format!("{} {}", other.method(), path(*other))).collect();
        let allowed: Vec<_> = allowed.iter().map(String::as_str).collect();
        let reply = exchange(&sandbox, fine(operation, Some(&sandbox.issue_token(&allowed, None, 600)))).await;
        check(operation, &reply);
        assert_eq!(reply.status(), 403, "{operation}");
        let only = format!("{} {}", operation.method(), path(operation));
        let reply = exchange(&sandbox, fine(operation, Some(&sandbox.issue_token(&[&only], None, 600)))).await;
        assert!([200, 201].contains(&reply.status()), "{operation}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_or_is_none_is_400() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let token = sandbox.issue_token(&[], None, 600);
    for operation in Operation::ALL.into_iter().filter(|operation| operation.method() == "POST") {
        for header in ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"] {
            let bytes = fine(operation, Some(&token)).replace("Content-Type: application/json\r\n", header);
            let reply = exchange(&sandbox, bytes).await;
            check(operation, &reply);
            assert_eq!((reply.status(), reply.description().starts_with("Content-Type ")), (400, true), "{operation}");
        }
        for body in ["", "{", "[]", "null", "7", "\"text\"", "{\"a\":}"] {
            let reply = exchange(&sandbox, request("POST", &path(operation), Some(&token), body)).await;
            check(operation, &reply);
            assert_eq!(reply.status(), 400, "{operation} {body}");
        }
        let utf8 = fine(operation, Some(&token)).replace("application/json", "Application/JSON; charset=utf-8");
        assert!([200, 201].contains(&exchange(&sandbox, utf8).await.status()), "{operation}");
    }
    assert_eq!(sandbox.ledger().len(), 2, "the one create that was fine");
}

#[tokio::test]
async fn a_merchant_that_is_switched_off_is_refused_everywhere() {
    let sandbox = start(Sandbox::builder().merchant_active(false)).await;
    let token = sandbox.issue_token(&[], None, 600);
    for operation in Operation::ALL {
        let reply = exchange(&sandbox, fine(operation, Some(&token))).await;
        check(operation, &reply);
        let has_code = codes(operation).contains(&"MERCHANT_INACTIVE".to_owned());
        assert_eq!(reply.status(), if has_code { 406 } else { 403 }, "{operation}");
    }
}
