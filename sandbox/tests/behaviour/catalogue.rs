//! Balances, the catalogue, and what can be paid now.

use komopay_sandbox::{Operation, Sandbox};
use serde_json::{Value, json};

use crate::client::{Reply, bank_transfer, call, create, documented_create};
use crate::contract::{check, example};
use crate::start::{sandbox, start, start_for_wrong_requests};

async fn read(sandbox: &Sandbox, operation: Operation, query: &str) -> Reply {
    let reply = call(sandbox, "GET", &format!("{}{query}", operation.path()), "").await;
    check(operation, &reply);
    reply
}

/// The values of one member of all elements of `data`.
fn column(reply: &Reply, name: &str) -> Vec<Value> {
    reply.json()["data"].as_array().unwrap().iter().map(|element| element[name].clone()).collect()
}

async fn available(sandbox: &Sandbox, body: &Value) -> Reply {
    let operation = Operation::ListAvailablePayoutOptions;
    let reply = call(sandbox, "POST", operation.path(), &body.to_string()).await;
    check(operation, &reply);
    reply
}

#[tokio::test]
async fn balances_move_with_payouts_and_are_filtered_by_currency() {
    let sandbox = start(Sandbox::builder().balance("IDR", "50000")).await;
    let before = read(&sandbox, Operation::GetBalances, "?currencyCodes=IDR").await.json();
    create(&sandbox, "A", &documented_create()).await;
    create(&sandbox, "B", &bank_transfer("9000000099")).await;
    let after = read(&sandbox, Operation::GetBalances, "?currencyCodes=IDR").await.json();
    let account = &after["data"][0];
    assert_eq!((&account["balance"], &account["availableBalance"]), (&json!(40000), &json!(30000)));
    assert_eq!((&account["pendingPayoutAmount"], &account["pendingSettlementAmount"]), (&json!(10000), &json!(0)));
    let moved = |answer: &Value| answer["data"][0]["lastBalanceMovement"].as_str().unwrap().to_owned();
    assert!(moved(&before) <= moved(&after));

    let some = read(&sandbox, Operation::GetBalances, "?currencyCodes=USD,XXY,JPY").await;
    assert_eq!(column(&some, "currencyCode"), ["JPY", "USD"], "one without an account is skipped");
    assert_eq!(column(&read(&sandbox, Operation::GetBalances, "?currencyCodes=XXY").await, "currencyCode"), [""; 0]);
    let all = column(&read(&sandbox, Operation::GetBalances, "").await, "currencyCode");
    assert_eq!(all, column(&read(&sandbox, Operation::ListCurrencies, "").await, "code"));
    assert!(all.contains(&json!("IDR")));
}

#[tokio::test]
async fn a_filter_is_one_comma_separated_text() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for (operation, query) in [
        (Operation::GetBalances, "?currencyCodes=IDR&currencyCodes=USD"),
        (Operation::ListPaymentOptions, "?segmentCodes=VIP&segmentCodes=VIP"),
        (Operation::ListPaymentOptions, "?paymentTypeCode=PAYIN&paymentTypeCode=PAYOUT"),
        (Operation::ListPaymentOptions, "?paymentTypeCode=payout"),
        (Operation::ListPaymentOptions, "?paymentTypeCode="),
    ] {
        let reply = read(&sandbox, operation, query).await;
        let name = query.split(['?', '=']).nth(1).unwrap();
        assert_eq!(reply.status(), 400, "{query}");
        assert!(reply.description().starts_with(&format!("{name} ")), "{}", reply.description());
    }
    let encoded = read(&sandbox, Operation::GetBalances, "?currencyCodes=IDR%2CUSD&unknown=x").await;
    assert_eq!(column(&encoded, "currencyCode"), ["IDR", "USD"]);
}

#[tokio::test]
async fn the_lists_hold_what_the_examples_hold() {
    let sandbox = sandbox().await;
    for (operation, file) in [
        (Operation::ListCurrencies, "currencies"),
        (Operation::ListSegments, "segments"),
        (Operation::ListPaymentOperators, "payment-operators"),
        (Operation::ListPaymentMethods, "payment-methods"),
    ] {
        let listed = read(&sandbox, operation, "").await.json();
        for element in example(&format!("{file}.response.200.json"))["data"].as_array().unwrap() {
            assert!(listed["data"].as_array().unwrap().contains(element), "{operation}: {element}");
        }
    }
    let shop = read(&sandbox, Operation::GetMerchantInfo, "").await.json();
    assert_eq!(shop["channelInfo"]["name"], "Sandbox shop");
}

#[tokio::test]
async fn the_options_of_the_example_are_there() {
    let sandbox = sandbox().await;
    let query = "?paymentTypeCode=PAYOUT&currencyCodes=IDR&paymentMethodCodes=BANK_TRANSFER\
                 &paymentOperatorCodes=IDR_003,IDR_008,IDR_014";
    let options = read(&sandbox, Operation::ListPaymentOptions, query).await.json();
    assert_eq!(options["data"][0], example("payment-options.response.200.json")["data"][0]);
    assert_eq!(options["data"][1]["segmentCode"], "VIP");
    assert_eq!(options["data"].as_array().unwrap().len(), 2);

    let only_general = format!("{query}&segmentCodes=STANDARD");
    assert_eq!(
        column(&read(&sandbox, Operation::ListPaymentOptions, &only_general).await, "segmentCode"),
        [json!(null)]
    );
}

#[tokio::test]
async fn options_are_filtered_and_switched_off_ones_are_listed() {
    let sandbox = sandbox().await;
    let off = read(&sandbox, Operation::ListPaymentOptions, "?currencyCodes=DEMO_OFF").await;
    assert_eq!(column(&off, "isAvailable"), [false]);
    let incoming = read(&sandbox, Operation::ListPaymentOptions, "?paymentTypeCode=PAYIN").await;
    assert_eq!(column(&incoming, "paymentTypeCode"), ["PAYIN"]);
    let unknown = read(&sandbox, Operation::ListPaymentOptions, "?currencyCodes=XXY").await;
    assert_eq!(unknown.json(), json!({"data": []}), "the contract has no code for an unknown currency");
    let nonsense = "?paymentMethodCodes=CASH&segmentCodes=GOLD&paymentOperatorCodes=IDR_014,,X";
    let reply = read(&sandbox, Operation::ListPaymentOptions, nonsense).await;
    assert_eq!(reply.codes(), ["PAYMENT_METHOD_CODE_INVALID", "SEGMENT_CODE_INVALID", "PAYMENT_OPERATOR_CODE_INVALID"]);
}

#[tokio::test]
async fn available_options_follow_amount_currency_and_segment() {
    let sandbox = sandbox().await;
    let request = example("available-payout-options.request.json");
    let options = available(&sandbox, &request).await.json();
    let bank = &options["data"][0];
    assert_eq!((&bank["paymentMethodCode"], &bank["segmentCode"]), (&json!("BANK_TRANSFER"), &json!("VIP")));
    for operator in
        example("available-payout-options.response.200.json")["data"][0]["paymentOperators"].as_array().unwrap()
    {
        assert!(bank["paymentOperators"].as_array().unwrap().contains(operator), "{operator}");
    }

    let everyone = available(&sandbox, &json!({"money": {"amount": 9999, "currencyCode": "IDR"}})).await.json();
    assert_eq!(everyone["data"][0]["paymentOperators"], json!([{"code": "BNK_000", "name": "Test bank"}]));
    assert_eq!(everyone["data"][1]["paymentMethodCode"], "WALLET_TRANSFER");
    assert!(everyone["data"][0].get("segmentCode").is_none());

    let coin = available(&sandbox, &json!({"money": {"amount": 1, "currencyCode": "USDT"}})).await.json();
    let fee = &coin["data"][1]["paymentOperators"][0]["customerTransactionFee"];
    assert_eq!(fee["minFee"], json!({"amount": 0.5, "currencyCode": "USDT"}));

    let request = json!({
        "money": {"amount": 10000.5, "currencyCode": "IDR"}, "segmentCode": "GOLD", "exchangedToCurrency": "XXY"
    });
    let codes = ["CURRENCY_PRECISION_EXCEEDED", "CURRENCY_NOT_SUPPORTED", "PAYMENT_CHANNEL_NO_SEGMENT_FOUND"];
    let reply = available(&sandbox, &request).await;
    assert_eq!(reply.codes(), codes);
    assert_eq!(reply.json()[1]["attrCode"], "exchangedToCurrency");
}

#[tokio::test]
async fn what_is_available_can_be_paid() {
    let sandbox = sandbox().await;
    for file in ["payout-create.request.json", "payout-create.wallet.request.json", "payout-create.crypto.request.json"]
    {
        let reply = create(&sandbox, &file.replace('.', "-"), &example(file)).await;
        check(Operation::CreatePayout, &reply);
        assert_eq!(reply.status(), 201, "{file}");
    }
    let mut danamon = documented_create();
    danamon["paymentMethod"]["paymentOperatorCode"] = json!("IDR_003");
    danamon["paymentRequested"]["segmentCode"] = json!("VIP");
    assert_eq!(create(&sandbox, "VIP", &danamon).await.status(), 201);
    danamon["paymentRequested"]["segmentCode"] = json!("STANDARD");
    assert_eq!(create(&sandbox, "STANDARD", &danamon).await.codes(), ["PAYMENT_OPERATOR_UNAVAILABLE"]);
}

#[tokio::test]
async fn a_question_for_options_is_checked_like_a_create() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for (body, field) in [
        (json!({}), "money"),
        (json!({"money": 7}), "money"),
        (json!({"money": {"amount": 1}}), "money.currencyCode"),
        (json!({"money": {"amount": "1", "currencyCode": "IDR"}}), "money.amount"),
        (json!({"money": {"amount": 0, "currencyCode": "IDR"}}), "money.amount"),
        (json!({"money": {"amount": 1, "currencyCode": "IDR"}, "segmentCode": ""}), "segmentCode"),
        (json!({"money": {"amount": 1, "currencyCode": "IDR"}, "exchangedToCurrency": 7}), "exchangedToCurrency"),
    ] {
        let reply = available(&sandbox, &body).await;
        assert_eq!(reply.status(), 400, "{body}");
        assert!(reply.description().starts_with(&format!("{field} ")), "{body}: {}", reply.description());
    }
}

#[tokio::test]
async fn paths_are_decoded_before_they_are_compared() {
    let sandbox = sandbox().await;
    let body = json!({"money": {"amount": 10000, "currencyCode": "IDR"}}).to_string();
    assert_eq!(call(&sandbox, "POST", "/payouts/%21availablePaymentOptions", &body).await.status(), 200);
    create(&sandbox, "T%2d%31", &documented_create()).await;
    assert_eq!(call(&sandbox, "GET", "/payouts/T-1", "").await.status(), 200);
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for id in ["a%2Fb", "%FF", "%", "%2"] {
        assert_eq!(call(&sandbox, "GET", &format!("/payouts/{id}"), "").await.status(), 400, "{id}");
    }
}
