//! How to meet each 406 of the contract: one row for every operation and code.
//!
//! A row changes a request that is fine: the create that KomoPay documents (10000 IDR by bank transfer to `BNK_000`), the
//! question `{"money": {"amount": 10000, "currencyCode": "IDR"}}` for available options, the credentials for a token, or
//! a GET. `README.md` shows the same table, and tests hold the two against each other and walk every row.

use std::fmt;

use crate::operation::Operation;

/// One 406, and a request that meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The call.
    pub operation: Operation,
    /// The code in the 406 array.
    pub code: &'static str,
    /// The attribute that it names, if it names one.
    pub attr_code: Option<&'static str>,
    /// What is different from a request that is fine.
    pub way: Way,
}

/// What is different from a request that is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Members of the body, by their paths, and the JSON they have.
    Body(&'static [(&'static str, &'static str)]),
    /// The query.
    Query(&'static str),
    /// The merchant is switched off: [`Sandbox::set_merchant_active`](crate::Sandbox::set_merchant_active), or
    /// `POST /_sandbox/merchant`.
    MerchantOff,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(members) => {
                let members: Vec<_> = members.iter().map(|(path, json)| format!("`{path}`: `{json}`")).collect();
                f.write_str(&members.join(", "))
            }
            Self::Query(query) => write!(f, "`?{query}`"),
            Self::MerchantOff => f.write_str("the merchant is switched off"),
        }
    }
}

/// Every 406.
pub const REFUSALS: [Refused; 35] = [
    token("MERCHANT_NOT_FOUND", Some("merchantCode"), Way::Body(&[("merchantCode", r#""NOBODY""#)])),
    token("OPERATION_INVALID", Some("operations"), Way::Body(&[("operations", r#"["GET /nothing"]"#)])),
    token("MERCHANT_INACTIVE", None, Way::MerchantOff),
    options("CURRENCY_NOT_SUPPORTED", Some(CURRENCY), Way::Body(&[(CURRENCY, r#""XXY""#)])),
    options("CURRENCY_PRECISION_EXCEEDED", Some(AMOUNT), Way::Body(&[(AMOUNT, "10000.5")])),
    options("PAYMENT_METHOD_NOT_FOUND", Some(CURRENCY), Way::Body(&[(CURRENCY, r#""DEMO_NONE""#)])),
    options("PAYMENT_METHOD_ERROR", None, Way::Body(&[(CURRENCY, r#""DEMO_ERROR""#)])),
    options("PAYMENT_CHANNEL_NO_ACTIVE_FOUND", None, Way::Body(&[(CURRENCY, r#""DEMO_OFF""#)])),
    options("PAYMENT_CHANNEL_NO_OPENED_FOUND", None, Way::Body(&[(CURRENCY, r#""DEMO_CLOSED""#)])),
    options("PAYMENT_CHANNEL_NO_SEGMENT_FOUND", Some("segmentCode"), Way::Body(&[(CURRENCY, r#""DEMO_VIP""#)])),
    options("PAYMENT_CHANNEL_AMOUNT_LIMITS", Some(AMOUNT), Way::Body(&[(AMOUNT, "50000001")])),
    options(
        "PAYMENT_CHANNEL_DAILY_LIMITS",
        Some(AMOUNT),
        Way::Body(&[(CURRENCY, r#""DEMO_DAILY""#), (AMOUNT, "100001")]),
    ),
    create("CURRENCY_NOT_SUPPORTED", Some(PAID_CURRENCY), &[(PAID_CURRENCY, r#""XXY""#)]),
    create("CURRENCY_PRECISION_EXCEEDED", Some(PAID_AMOUNT), &[(PAID_AMOUNT, "10000.5")]),
    create("PAYMENT_METHOD_NOT_FOUND", Some(METHOD), &[(PAID_CURRENCY, r#""DEMO_NONE""#)]),
    create("PAYMENT_METHOD_ERROR", None, &[(PAID_CURRENCY, r#""DEMO_ERROR""#)]),
    create("PAYMENT_OPERATOR_NOT_FOUND", Some(OPERATOR), &[(OPERATOR, r#""NOBODY""#)]),
    create("PAYMENT_OPERATOR_INVALID", Some(OPERATOR), &[(OPERATOR, r#""ID_OVO""#)]),
    create(
        "PAYMENT_OPERATOR_REQUIRED",
        Some(OPERATOR),
        &[(PAID_CURRENCY, r#""USD""#), ("paymentMethod", r#"{"paymentMethodCode": "WALLET_TRANSFER", "account": {}}"#)],
    ),
    create("PAYMENT_OPERATOR_UNAVAILABLE", Some(OPERATOR), &[(OPERATOR, r#""IDR_003""#)]),
    create("PAYMENT_CHANNEL_NO_ACTIVE_FOUND", None, &[(PAID_CURRENCY, r#""DEMO_OFF""#)]),
    create("PAYMENT_CHANNEL_NO_OPENED_FOUND", None, &[(PAID_CURRENCY, r#""DEMO_CLOSED""#)]),
    create(
        "PAYMENT_CHANNEL_NO_SEGMENT_FOUND",
        Some("paymentRequested.segmentCode"),
        &[(PAID_CURRENCY, r#""DEMO_VIP""#)],
    ),
    create("PAYMENT_CHANNEL_AMOUNT_LIMITS", Some(PAID_AMOUNT), &[(OPERATOR, r#""IDR_014""#), (PAID_AMOUNT, "9999")]),
    create(
        "PAYMENT_CHANNEL_DAILY_LIMITS",
        Some(PAID_AMOUNT),
        &[(PAID_CURRENCY, r#""DEMO_DAILY""#), (PAID_AMOUNT, "100001")],
    ),
    create("IP_DENIED", Some("customerIp"), &[("customerIp", r#""203.0.113.66""#)]),
    create("CLIENT_IP_INVALID", Some("customerIp"), &[("customerIp", r#""localhost""#)]),
    create("BALANCE_INSUFFICIENT", None, &[(PAID_CURRENCY, r#""USDT""#), (PAID_AMOUNT, "1000001")]),
    create("BANK_CODE_REQUIRED", Some("paymentMethod.account.bankCode"), &[(PAID_CURRENCY, r#""INR""#)]),
    merchant_off(Operation::GetPayout),
    merchant_off(Operation::GetBalances),
    merchant_off(Operation::ListPaymentOptions),
    filter("PAYMENT_OPERATOR_CODE_INVALID", "paymentOperatorCodes", "paymentOperatorCodes=IDR_014,NOBODY"),
    filter("SEGMENT_CODE_INVALID", "segmentCodes", "segmentCodes=VIP,NOBODY"),
    filter("PAYMENT_METHOD_CODE_INVALID", "paymentMethodCodes", "paymentMethodCodes=BANK_TRANSFER,CASH"),
];

const AMOUNT: &str = "money.amount";
const CURRENCY: &str = "money.currencyCode";
const PAID_AMOUNT: &str = "paymentRequested.money.amount";
const PAID_CURRENCY: &str = "paymentRequested.money.currencyCode";
const METHOD: &str = "paymentMethod.paymentMethodCode";
const OPERATOR: &str = "paymentMethod.paymentOperatorCode";

const fn token(code: &'static str, attr_code: Option<&'static str>, way: Way) -> Refused {
    Refused { operation: Operation::IssueToken, code, attr_code, way }
}

const fn options(code: &'static str, attr_code: Option<&'static str>, way: Way) -> Refused {
    Refused { operation: Operation::ListAvailablePayoutOptions, code, attr_code, way }
}

const fn create(
    code: &'static str,
    attr_code: Option<&'static str>,
    members: &'static [(&'static str, &'static str)],
) -> Refused {
    Refused { operation: Operation::CreatePayout, code, attr_code, way: Way::Body(members) }
}

const fn filter(code: &'static str, attr_code: &'static str, query: &'static str) -> Refused {
    Refused { operation: Operation::ListPaymentOptions, code, attr_code: Some(attr_code), way: Way::Query(query) }
}

const fn merchant_off(operation: Operation) -> Refused {
    Refused { operation, code: "MERCHANT_INACTIVE", attr_code: None, way: Way::MerchantOff }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_the_table_in_the_code() {
        let documented: Vec<_> = include_str!("../../README.md")
            .lines()
            .filter(|line| line.starts_with("| `POST /") || line.starts_with("| `GET /"))
            .filter(|line| line.matches('|').count() == 5)
            .collect();
        let table = REFUSALS.map(|Refused { operation, code, attr_code, way }| {
            let call = format!("{} {}", operation.method(), operation.path());
            let attribute = attr_code.map(|name| format!("`{name}`")).unwrap_or_default();
            format!("| `{call}` | {code} | {attribute} | {way} |").replace("|  |", "| |")
        });
        assert_eq!(documented, table, "the rows should be\n{}", table.join("\n"));
    }
}
