//! What a create takes, and what it refuses with which status.

use komopay_sandbox::{Exchange, Sandbox};
use komopay_tests::contract::judge;
use serde_json::{Value, json};

use crate::client::{bank_transfer, call, create, documented_create, ledger};
use crate::start::{sandbox, start, start_for_wrong_requests};

/// The documented create with one member, given by its path, set to another value.
fn with(path: &str, value: Value) -> Value {
    changed(documented_create(), path, Some(value))
}

fn without(path: &str) -> Value {
    changed(documented_create(), path, None)
}

fn changed(mut body: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, name) = path.rsplit_once('.').map_or(("", path), |(parent, name)| (parent, name));
    let pointer = if parent.is_empty() { String::new() } else { format!("/{}", parent.replace('.', "/")) };
    let object = body.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    body
}

fn in_currency(currency: &str) -> Value {
    with("paymentRequested.money.currencyCode", json!(currency))
}

fn wallet() -> Value {
    json!({
        "paymentRequested": {"money": {"amount": 75000, "currencyCode": "IDR"}},
        "paymentMethod": {"paymentMethodCode": "WALLET_TRANSFER", "account": {}, "phoneNumber": "+6281234567890"}
    })
}

fn crypto() -> Value {
    json!({
        "paymentRequested": {"money": {"amount": 12.5, "currencyCode": "USDT"}},
        "paymentMethod": {
            "paymentMethodCode": "CRYPTO_TRANSFER",
            "paymentOperatorCode": "DEMO_CHAIN",
            "account": {"accountNumber": "T0000000000000000000000000000Demo"}
        }
    })
}

async fn assert_names(sandbox: &Sandbox, body: &Value, field: &str) {
    let reply = create(sandbox, "A", body).await;
    assert_eq!(reply.status(), 400, "{field}: {body}");
    assert!(reply.description().starts_with(&format!("{field} ")), "{field}: {}", reply.description());
}

#[tokio::test]
async fn an_accepted_create_echoes_what_was_requested() {
    let sandbox = sandbox().await;
    let mut body = documented_create();
    body["paymentRequested"]["segmentCode"] = json!("VIP");
    body["paymentRequested"]["exchangedToCurrency"] = json!("USD");
    let reply = create(&sandbox, "TST-223344", &body).await;
    assert_eq!(reply.status(), 201);
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert!(reply.headers().contains_key("date"));
    let answer = reply.json();
    assert_eq!(answer["paymentRequested"], body["paymentRequested"]);
    let method = &answer["paymentMethodResponse"];
    assert_eq!(method["paymentMethodCode"], "BANK_TRANSFER");
    assert_eq!(method["idPayout"], "TST-223344");
    assert!(method["idPayment"].is_string() && method["reference"].is_string());
    assert!(!reply.body().contains("11223344"));
    assert_eq!(ledger(&sandbox).await, ["executed TST-223344", "booked TST-223344"]);
}

#[tokio::test]
async fn documented_answers_leave_out_what_the_documentation_leaves_out() {
    let builder = Sandbox::builder().documented_answers(true);
    // The one sandbox here whose answers are not judged: those of the contract have more members.
    let judge_request = |exchange: &Exchange<'_>| {
        if exchange.answer.is_none() {
            judge(exchange);
        }
    };
    let sandbox = builder.observer(judge_request).start().await.unwrap();
    let reply = create(&sandbox, "TST-223344", &documented_create()).await;
    assert_eq!(
        reply.json(),
        json!({
            "paymentRequested": {"money": {"amount": 10000, "currencyCode": "IDR"}},
            "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": "TST-223344"}
        })
    );
}

#[tokio::test]
async fn money_is_exact_and_echoed_as_the_text_it_was() {
    let sandbox = sandbox().await;
    for (number, currency, value) in [
        ("1E+4", "IDR", "10000"),
        ("42.00", "IDR", "42"),
        ("42.050", "USD", "42.05"),
        ("0.1000000000000000055511", "USDT", "0.1000000000000000055511"),
    ] {
        let id = format!("A{}", sandbox.ledger().len());
        let body = in_currency(currency).to_string().replace("\"amount\":10000", &format!("\"amount\":{number}"));
        let reply = call(&sandbox, "POST", &format!("/payouts/{id}"), &body).await;
        assert_eq!(reply.status(), 201, "{number}: {}", reply.text());
        assert!(reply.body().contains(&format!("\"amount\":{number},")), "{}", reply.body());
        assert_eq!(sandbox.ledger().last().unwrap().amount.to_string(), value);
    }
}

#[tokio::test]
async fn all_three_methods_are_taken() {
    let sandbox = sandbox().await;
    for (id, body) in [("BANK", documented_create()), ("WALLET", wallet()), ("CRYPTO", crypto())] {
        let reply = create(&sandbox, id, &body).await;
        assert_eq!(reply.status(), 201, "{}", reply.text());
        assert_eq!(
            reply.json()["paymentMethodResponse"]["paymentMethodCode"],
            body["paymentMethod"]["paymentMethodCode"]
        );
    }
}

#[tokio::test]
async fn a_violation_of_the_schema_is_400_and_names_the_field() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for path in [
        "paymentRequested",
        "paymentRequested.money",
        "paymentRequested.money.amount",
        "paymentRequested.money.currencyCode",
        "paymentMethod",
        "paymentMethod.paymentMethodCode",
        "paymentMethod.paymentOperatorCode",
        "paymentMethod.account",
        "paymentMethod.account.accountName",
        "paymentMethod.account.accountNumber",
    ] {
        assert_names(&sandbox, &without(path), path).await;
        assert_names(&sandbox, &with(path, json!(true)), path).await;
    }
    for (path, value) in [
        ("paymentRequested.money.amount", json!("10000")),
        ("paymentRequested.money.amount", json!(0)),
        ("paymentRequested.money.amount", json!(-1)),
        ("paymentRequested.money.currencyCode", json!("")),
        ("paymentRequested.segmentCode", json!("")),
        ("paymentRequested.exchangedToCurrency", json!(null)),
        ("paymentMethod.paymentMethodCode", json!("CASH")),
        ("paymentMethod.paymentOperatorCode", json!("BNK 000")),
        ("paymentMethod.emailAddress", json!(7)),
        ("paymentMethod.remark", json!(7)),
        ("paymentMethod.account.accountName", json!("Account 7")),
        ("paymentMethod.account.bankName", json!("")),
        ("callbackUrl", json!("u".repeat(1001))),
        ("customerIp", json!(7)),
    ] {
        assert_names(&sandbox, &with(path, value), path).await;
    }
    for (body, path, value) in [
        (wallet(), "paymentMethod.account.accountNumber", json!("no-at-sign")),
        (wallet(), "paymentMethod.account.accountName", json!("")),
        (wallet(), "paymentMethod.phoneNumber", json!("123456")),
        (wallet(), "paymentMethod.paymentOperatorCode", json!("")),
        (crypto(), "paymentMethod.account.accountNumber", json!("a-b")),
    ] {
        assert_names(&sandbox, &changed(body, path, Some(value)), path).await;
    }
    assert_names(
        &sandbox,
        &changed(crypto(), "paymentMethod.paymentOperatorCode", None),
        "paymentMethod.paymentOperatorCode",
    )
    .await;
    for body in ["", "{", "[]", "null"] {
        assert_eq!(call(&sandbox, "POST", "/payouts/A", body).await.status(), 400, "{body}");
    }
    assert!(sandbox.ledger().is_empty());
}

#[tokio::test]
async fn some_currencies_need_more_fields() {
    let sandbox = sandbox().await;
    let account = |body: Value, name: &str, value: &str| {
        changed(body, &format!("paymentMethod.account.{name}"), Some(json!(value)))
    };
    let yen = in_currency("JPY");
    assert_names(&sandbox, &yen, "paymentMethod.account.accountType").await;
    assert_names(&sandbox, &account(yen.clone(), "accountType", "cheque"), "paymentMethod.account.accountType").await;
    let yen = account(yen, "accountType", "savings");
    assert_names(&sandbox, &yen, "paymentMethod.account.bankBranch").await;
    assert_eq!(create(&sandbox, "JPY", &account(yen, "bankBranch", "001")).await.status(), 201);

    let rand = in_currency("ZAR");
    assert_names(&sandbox, &account(rand.clone(), "accountType", "general"), "paymentMethod.account.accountType").await;
    assert_eq!(create(&sandbox, "ZAR", &account(rand, "accountType", "cheque")).await.status(), 201);

    let rupee = in_currency("INR");
    let reply = create(&sandbox, "INR", &rupee).await;
    assert_eq!(reply.codes(), ["BANK_CODE_REQUIRED"]);
    assert_eq!(reply.json()[0]["attrCode"], "paymentMethod.account.bankCode");
    assert_names(&sandbox, &account(rupee.clone(), "bankCode", "HDFC"), "paymentMethod.account.bankCode").await;
    assert_eq!(create(&sandbox, "INR", &account(rupee, "bankCode", "HDFC0001234")).await.status(), 201);

    let rupee_wallet = changed(wallet(), "paymentRequested.money.currencyCode", Some(json!("INR")));
    assert_names(&sandbox, &rupee_wallet, "paymentMethod.account.accountName").await;
}

#[tokio::test]
async fn every_rule_that_is_broken_is_listed() {
    let sandbox = start(Sandbox::builder().balance("USD", "10")).await;
    let mut body = in_currency("USD");
    body["paymentRequested"]["money"]["amount"] = json!(10.005);
    body["customerIp"] = json!("not an address");
    let reply = create(&sandbox, "A", &body).await;
    assert_eq!(reply.codes(), ["CURRENCY_PRECISION_EXCEEDED", "CLIENT_IP_INVALID", "BALANCE_INSUFFICIENT"]);
    assert_eq!(reply.json()[0]["attrCode"], "paymentRequested.money.amount");
    assert_eq!(reply.json()[1]["attrCode"], "customerIp");

    let reply = create(&sandbox, "A", &in_currency("XXY")).await;
    assert_eq!(reply.codes(), ["CURRENCY_NOT_SUPPORTED"]);
    assert_eq!(reply.json()[0]["attrCode"], "paymentRequested.money.currencyCode");
    assert!(sandbox.ledger().is_empty());
}

#[tokio::test]
async fn a_refusal_does_not_use_the_id_up_and_an_executed_create_does() {
    let sandbox = sandbox().await;
    let bad_ip = with("customerIp", json!("localhost"));
    assert_eq!(create(&sandbox, "A", &bad_ip).await.codes(), ["CLIENT_IP_INVALID"]);
    assert_eq!(create(&sandbox, "A", &with("customerIp", json!("2001:db8::1"))).await.status(), 201);
    let reply = create(&sandbox, "A", &bad_ip).await;
    assert_eq!((reply.status(), reply.description().as_str()), (409, "idPayout already used"));
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
}

#[tokio::test]
async fn ids_are_checked_on_both_calls() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let long = "a".repeat(251);
    for id in ["a.b", "a%20b", "!x", long.as_str()] {
        for method in ["POST", "GET"] {
            let reply = call(&sandbox, method, &format!("/payouts/{id}"), &documented_create().to_string()).await;
            assert_eq!(reply.status(), 400, "{id}");
            assert!(reply.description().starts_with("idPayout "));
        }
    }
    assert_eq!(create(&sandbox, &"a".repeat(250), &documented_create()).await.status(), 201);
}

#[tokio::test]
async fn equal_payees_have_equal_hashes_under_one_seed() {
    let (one, two) = (start(Sandbox::builder().seed(1)).await, start(Sandbox::builder().seed(2)).await);
    for sandbox in [&one, &two] {
        create(sandbox, "A", &bank_transfer("1")).await;
        create(sandbox, "B", &bank_transfer("1")).await;
        create(sandbox, "C", &bank_transfer("2")).await;
    }
    let hashes = |sandbox: &Sandbox| -> Vec<String> {
        sandbox
            .ledger()
            .into_iter()
            .filter(|entry| entry.kind.to_string() == "executed")
            .map(|entry| entry.payee_hash)
            .collect()
    };
    let (first, second) = (hashes(&one), hashes(&two));
    assert_eq!(first[0], first[1]);
    assert_ne!(first[0], first[2]);
    assert_ne!(first[0], second[0]);
    assert!(first[0].len() == 16 && first[0].chars().all(|digit| digit.is_ascii_hexdigit()));
}

#[tokio::test]
async fn concurrent_creates_of_one_id_execute_once() {
    let sandbox = sandbox().await;
    let body = documented_create();
    let calls = (0..8).map(|_| create(&sandbox, "A", &body));
    let mut statuses = Vec::new();
    for reply in futures(calls).await {
        statuses.push(reply.status());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
}

/// Polls all futures side by side on this task.
async fn futures<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut pending {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *output = Some(value);
            }
        }
        if pending.iter().all(|(_, output)| output.is_some()) {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
    pending.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn unknown_paths_wrong_methods_and_long_bodies_are_told_apart() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for path in ["/", "/payouts", "/payouts/", "/payouts/A/B", "/nothing"] {
        assert_eq!(call(&sandbox, "GET", path, "").await.status(), 404, "{path}");
    }
    for (method, path, allowed) in [
        ("DELETE", "/payouts/A", "POST, GET"),
        ("GET", "/auth-tokens", "POST"),
        ("GET", "/payouts/!availablePaymentOptions", "POST"),
        ("POST", "/balances", "GET"),
    ] {
        let reply = call(&sandbox, method, path, "").await;
        assert_eq!((reply.status(), reply.headers()["allow"].as_str()), (405, allowed), "{method} {path}");
    }
    let reply = call(&sandbox, "POST", "/payouts/A", &" ".repeat(1024 * 1024 + 1)).await;
    assert_eq!((reply.status(), reply.description().as_str()), (400, "the body has more than 1 MiB"));
}
