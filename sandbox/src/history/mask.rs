//! What of a request and its answer may be shown: what is known to be harmless, by its name, and nothing else.
//!
//! Secrets, tokens, accounts, names, addresses and everything unknown become [`MASK`]. A text that is shown loses
//! whatever was masked in the request that it belongs to.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use crate::operation::is_payout_id;
use crate::platform::magic;

/// What stands for what is not shown.
const MASK: &str = "•••";

/// Of longer bodies only the length is shown.
const LONGEST: usize = 16 * 1024;

/// Shorter texts than this are not looked for in answers: they would be found by chance.
const SHORTEST: usize = 3;

/// The fields whose values are shown. Of an object or array its own fields decide.
const SHOWN: [&str; 33] = [
    "amount",
    "attrCode",
    "availableBalance",
    "balance",
    "code",
    "createdAt",
    "currencyCode",
    "description",
    "direction",
    "exchangedToCurrency",
    "failedAt",
    "failureReasonCode",
    "idPayment",
    "idPayout",
    "isAvailable",
    "isTest",
    "lastBalanceMovement",
    "merchantCode",
    "message",
    "operations",
    "paymentMethodCode",
    "paymentOperatorCode",
    "paymentTypeCode",
    "pendingPayoutAmount",
    "pendingSettlementAmount",
    "processedAt",
    "processorStatus",
    "reference",
    "segmentCode",
    "status",
    "validitySecs",
    "accountType",
    "idEntity",
];

/// The parameters of a query whose values are shown.
const PARAMETERS: [&str; 6] = [
    "currencyCodes",
    "paymentMethodCodes",
    "paymentOperatorCodes",
    "paymentTypeCode",
    "segmentCodes",
    "paymentTypeCodes",
];

/// What was masked in a request, so that its answer does not give it away.
#[derive(Default)]
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    fn add(&mut self, text: &str) {
        if text.chars().count() >= SHORTEST {
            self.0.push(text.to_owned());
        }
    }

    /// The headers of a request: a token is told by what it is known by.
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> Vec<(String, String)> {
        let shown = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let value = match *name {
                AUTHORIZATION => match text.split_once(' ') {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                        self.add(token.trim());
                        format!("Bearer {}", token_mask(token.trim()))
                    }
                    _ => MASK.to_owned(),
                },
                ACCEPT | ACCEPT_ENCODING | CACHE_CONTROL | CONNECTION | CONTENT_LENGTH | CONTENT_TYPE | DATE | HOST
                | TRANSFER_ENCODING | USER_AGENT => text,
                _ if name == "x-api-version" => text,
                _ => MASK.to_owned(),
            };
            (name.as_str().to_owned(), value)
        };
        headers.iter().map(shown).collect()
    }

    /// A body as JSON, or a remark in brackets if it is none.
    pub(super) fn body(&mut self, body: &[u8]) -> Value {
        if body.is_empty() {
            return Value::Null;
        }
        if body.len() > LONGEST {
            return Value::String(format!("({} bytes: too long to be shown)", body.len()));
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => self.value("", value),
            Err(_) => Value::String(format!("({} bytes that are no JSON)", body.len())),
        }
    }

    fn value(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::Array(values) => values.into_iter().map(|value| self.value(name, value)).collect(),
            Value::Object(fields) => {
                let shown: Map<_, _> =
                    fields.into_iter().map(|(name, value)| (shown_name(&name), self.value(&name, value))).collect();
                Value::Object(shown)
            }
            Value::String(text) => Value::String(self.text(name, &text)),
            leaf if SHOWN.contains(&name) => leaf,
            leaf => {
                self.add(&leaf.to_string());
                Value::String(MASK.to_owned())
            }
        }
    }

    fn text(&mut self, name: &str, text: &str) -> String {
        if SHOWN.contains(&name) {
            return self.scrubbed(text);
        }
        self.add(text);
        match name {
            "token" => token_mask(text),
            "callbackUrl" => origin(text),
            // Those that decide how a payout ends are in the documentation, and nobody's.
            "accountNumber" => magic::digits_of(text).unwrap_or(MASK).to_owned(),
            _ => MASK.to_owned(),
        }
    }

    /// A text without what was masked before.
    fn scrubbed(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, hidden| text.replace(hidden, MASK))
    }
}

/// A field's name, unless it looks like a value.
fn shown_name(name: &str) -> String {
    let is_name = name.len() <= 40 && name.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if is_name { name.to_owned() } else { MASK.to_owned() }
}

/// A token by what it is known by: the beginning of its digest. Requests that came under one token show the same.
fn token_mask(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().take(4).fold(format!("{MASK} token "), |text, byte| format!("{text}{byte:02x}"))
}

/// Where a URL leads, without its path and query, which may be signed.
pub(crate) fn origin(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.has_host() => format!("{}/{MASK}", url.origin().ascii_serialization()),
        _ => MASK.to_owned(),
    }
}

/// Path and query. A path that should end in the id of a payout, and has none, ends in [`MASK`].
pub(super) fn target(uri: &Uri) -> String {
    let path = match uri.path().strip_prefix("/payouts/") {
        Some(id) if !is_payout_id(id) && id != "!availablePaymentOptions" => format!("/payouts/{MASK}"),
        _ => uri.path().to_owned(),
    };
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{}={}", shown_name(name), if PARAMETERS.contains(&name) { value } else { MASK })
    };
    match uri.query() {
        Some(query) => format!("{path}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_to_be_harmless_is_masked() {
        let body = json!({
            "secret": "s3cr3t", "merchantCode": "ME", "money": {"amount": 10000.50, "currencyCode": "IDR"},
            "paymentMethod": {"account": {"accountNumber": "778899001122", "accountName": "Siti", "pin": 1234},
                              "emailAddress": "siti@example.com", "paymentOperatorCode": "BNK_000"},
            "callbackUrl": "http://127.0.0.1:9000/hook?mac=c2lnbmVk", "778899001122": [true], "operations": ["GET /x"],
        });
        let shown = Hidden::default().body(body.to_string().as_bytes());
        assert_eq!(
            shown,
            json!({
                "secret": MASK, "merchantCode": "ME", "money": {"amount": 10000.50, "currencyCode": "IDR"},
                "paymentMethod": {"account": {"accountNumber": MASK, "accountName": MASK, "pin": MASK},
                                  "emailAddress": MASK, "paymentOperatorCode": "BNK_000"},
                "callbackUrl": format!("http://127.0.0.1:9000/{MASK}"), MASK: [MASK], "operations": ["GET /x"],
            })
        );
    }

    #[test]
    fn an_answer_does_not_give_away_what_its_request_hid() {
        let (mut hidden, mut headers) = (Hidden::default(), HeaderMap::new());
        headers.insert(AUTHORIZATION, http::HeaderValue::from_static("Bearer abcdef"));
        headers.insert("x-shop", http::HeaderValue::from_static("mine"));
        let shown = hidden.headers(&headers);
        assert_eq!(shown[0].1, "Bearer ••• token bef57ec7");
        assert_eq!(shown[1], ("x-shop".to_owned(), MASK.to_owned()));
        hidden.body(br#"{"accountNumber": "778899001122"}"#);
        let answer = hidden.body(br#"{"description": "no account 778899001122 under abcdef"}"#);
        assert_eq!(answer, json!({"description": "no account ••• under •••"}));
        assert_eq!(hidden.body(b"<html>"), json!("(6 bytes that are no JSON)"));
        assert_eq!(hidden.body(" ".repeat(LONGEST + 1).as_bytes()), json!("(16385 bytes: too long to be shown)"));
    }

    #[test]
    fn account_numbers_that_decide_the_end_are_nobodys() {
        for (number, shown) in
            [("9000000019", "9000000019"), ("9000000019@test", "9000000019"), ("90000000190", MASK), ("", MASK)]
        {
            let body = json!({"accountNumber": number});
            assert_eq!(Hidden::default().body(body.to_string().as_bytes()), json!({"accountNumber": shown}));
        }
    }

    #[test]
    fn paths_show_ids_and_codes_alone() {
        for (uri, shown) in [
            ("/payouts/TST-1", "/payouts/TST-1"),
            ("/payouts/!availablePaymentOptions", "/payouts/!availablePaymentOptions"),
            ("/payouts/a%20b", "/payouts/•••"),
            ("/balances?currencyCodes=IDR&key=secret&flag", "/balances?currencyCodes=IDR&key=•••&flag=•••"),
        ] {
            assert_eq!(target(&uri.parse().unwrap()), shown);
        }
        assert_eq!(origin("https://user:pw@shop.example/hook?mac=1"), "https://shop.example/•••");
        assert_eq!(origin("mailto:siti@example.com"), MASK);
    }
}
