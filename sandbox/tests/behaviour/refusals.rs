//! Every 406 of the contract, met as the table says.

use komopay_sandbox::refusals::{REFUSALS, Refused, Way};
use komopay_sandbox::{Operation, Sandbox};
use serde_json::Value;

use crate::client::{Reply, bank_transfer, call, create};
use crate::contract::{self, body, check};
use crate::start::{sandbox, start};

/// Sends the request of a row to a fresh sandbox.
async fn meet(row: &Refused) -> Reply {
    let sandbox = sandbox().await;
    let (mut path, mut body) = (contract::path(row.operation), body(row.operation));
    match row.way {
        Way::Body(members) => {
            let mut json: Value = serde_json::from_str(&body).unwrap();
            for (path, value) in members {
                let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
                let pointer = parent.split('.').filter(|part| !part.is_empty()).map(|part| format!("/{part}"));
                json.pointer_mut(&pointer.collect::<String>()).unwrap()[name] = serde_json::from_str(value).unwrap();
            }
            body = json.to_string();
        }
        Way::Query(query) => path = format!("{path}?{query}"),
        Way::MerchantOff => sandbox.set_merchant_active(false),
    }
    let reply = call(&sandbox, row.operation.method().as_str(), &path, &body).await;
    assert!(sandbox.ledger().is_empty());
    reply
}

#[tokio::test]
async fn every_code_of_the_contract_is_met_as_the_table_says() {
    for operation in Operation::ALL {
        for code in contract::codes(operation) {
            let row = REFUSALS.iter().find(|row| row.operation == operation && row.code == code);
            let row = row.unwrap_or_else(|| panic!("no way to {code} of {operation}"));
            let reply = meet(row).await;
            check(operation, &reply);
            assert_eq!(reply.codes(), [code.as_str()], "{operation}");
            assert_eq!(reply.json()[0]["attrCode"].as_str(), row.attr_code, "{operation} {code}");
        }
    }
    let declared: usize = Operation::ALL.iter().map(|operation| contract::codes(*operation).len()).sum();
    assert_eq!(REFUSALS.len(), declared, "a row for each code, and no other");
}

#[tokio::test]
async fn limits_balances_and_switches_can_be_set() {
    let bank = "BANK_TRANSFER";
    let sandbox = start(
        Sandbox::builder()
            .balance("IDR", "1000000")
            .amount_limits(bank, "IDR", Some("100"), Some("200000"))
            .daily_limit(bank, "IDR", "300000")
            .option_available(bank, "JPY", false)
            .deny_ip("2001:db8::7".parse().unwrap())
            .balance("XCOIN", "1"),
    )
    .await;
    let pay = async |id: &str, amount: u32| {
        let mut body = bank_transfer("1");
        body["paymentRequested"]["money"]["amount"] = amount.into();
        create(&sandbox, id, &body).await
    };
    assert_eq!(pay("A", 99).await.codes(), ["PAYMENT_CHANNEL_AMOUNT_LIMITS"]);
    assert_eq!(pay("A", 200_001).await.codes(), ["PAYMENT_CHANNEL_AMOUNT_LIMITS"]);
    assert_eq!(pay("A", 200_000).await.status(), 201);
    assert_eq!(pay("B", 100_001).await.codes(), ["PAYMENT_CHANNEL_DAILY_LIMITS"]);
    assert_eq!(pay("B", 100_000).await.status(), 201);
    assert_eq!(pay("C", 100).await.codes(), ["PAYMENT_CHANNEL_DAILY_LIMITS"]);

    let mut body = bank_transfer("1");
    body["customerIp"] = "2001:DB8:0::7".into();
    body["paymentRequested"]["money"]["currencyCode"] = "USD".into();
    assert_eq!(create(&sandbox, "D", &body).await.codes(), ["IP_DENIED"]);

    let mut body = bank_transfer("1");
    body["paymentRequested"]["money"]["currencyCode"] = "XCOIN".into();
    assert_eq!(create(&sandbox, "D", &body).await.codes(), ["BALANCE_INSUFFICIENT"]);
    body["paymentRequested"]["money"]["amount"] = 1.into();
    assert_eq!(create(&sandbox, "D", &body).await.status(), 201);
    assert_eq!(create(&sandbox, "E", &body).await.codes(), ["BALANCE_INSUFFICIENT"]);

    let yen = r#"{"money": {"amount": 2000, "currencyCode": "JPY"}}"#;
    let reply = call(&sandbox, "POST", "/payouts/!availablePaymentOptions", yen).await;
    assert_eq!(reply.codes(), ["PAYMENT_CHANNEL_NO_ACTIVE_FOUND"]);
}

#[tokio::test]
async fn limits_that_make_no_sense_are_told_at_the_start() {
    let unknown = Sandbox::builder().daily_limit("BANK_TRANSFER", "DEMO_NONE", "1").start().await.err().unwrap();
    assert_eq!(unknown.to_string(), "there is no payout option of BANK_TRANSFER in DEMO_NONE");
    for limit in ["-1", "much"] {
        let builder = Sandbox::builder().amount_limits("BANK_TRANSFER", "IDR", None, Some(limit));
        let error = builder.start().await.err().unwrap();
        assert_eq!(error.to_string(), "a limit of BANK_TRANSFER in IDR must be a decimal number of at least 0");
    }
}

#[tokio::test]
async fn amounts_that_fit_no_sum_are_refused_and_break_nothing() {
    let sandbox = sandbox().await;
    for currency in ["DEMO_DAILY", "IDR", "USDT"] {
        let body = bank_transfer("1").to_string();
        let body = body.replace("10000", "79228162514264337593543950335").replace("IDR", currency);
        let reply = call(&sandbox, "POST", "/payouts/A", &body).await;
        assert!(reply.codes().contains(&"BALANCE_INSUFFICIENT".to_owned()), "{currency}");
    }
}
