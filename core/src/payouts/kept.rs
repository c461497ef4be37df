//! A request that was written down, read back: the other side of its `Serialize`.

use serde::Deserialize;

use super::request::{PayoutMethod, PayoutRequest};
use crate::error::{Error, Result};
use crate::json::{Unreadable, nested, object};
use crate::money::Money;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    #[serde(deserialize_with = "nested")]
    payment_requested: Requested,
    #[serde(deserialize_with = "nested")]
    payment_method: PayoutMethod,
    callback_url: Option<String>,
    customer_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Requested {
    money: Money,
    segment_code: Option<String>,
    exchanged_to_currency: Option<String>,
}

impl PayoutRequest {
    /// The request whose JSON this is, as `serde_json::to_vec` of it gave: every digit and every field of it. For the
    /// crates around this one that keep requests. Nothing is checked: what was kept comes back, even if it cannot be
    /// sent.
    ///
    /// # Errors
    /// `invalid_request`, naming `request`, if this is no request, or has a field that this version does not know:
    /// without it, it would be another payout. The text tells the place, never the content.
    #[doc(hidden)]
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let kept = std::str::from_utf8(json).map_err(|_| Unreadable("it is not UTF-8".to_owned())).and_then(object);
        let Kept { payment_requested, payment_method, callback_url, customer_ip } =
            kept.map_err(|Unreadable(why)| {
                Error::invalid("request", format!("is no payout request that this version can read: {why}"))
            })?;
        let Requested { money, segment_code, exchanged_to_currency } = payment_requested;
        Ok(Self { money, method: payment_method, segment_code, exchanged_to_currency, callback_url, customer_ip })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ErrorKind;

    const EXAMPLES: [&str; 4] = [
        include_str!("../../../tests/contract/documented/create.request.json"),
        include_str!("../../../tests/contract/examples/payout-create.request.json"),
        include_str!("../../../tests/contract/examples/payout-create.crypto.request.json"),
        include_str!("../../../tests/contract/examples/payout-create.wallet.request.json"),
    ];

    #[test]
    fn the_examples_of_the_contract_come_back_as_they_are() {
        for example in EXAMPLES {
            let request = PayoutRequest::from_json(example.as_bytes()).unwrap();
            let (written, example): (Value, Value) =
                (serde_json::to_value(&request).unwrap(), serde_json::from_str(example).unwrap());
            assert_eq!(written, example);
        }
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_wherever_it_is() {
        for (example, pointer) in EXAMPLES.iter().flat_map(|example| {
            ["", "/paymentRequested", "/paymentMethod", "/paymentMethod/account"].map(|pointer| (example, pointer))
        }) {
            let mut whole: Value = serde_json::from_str(example).unwrap();
            whole.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("new".to_owned(), json!("0123456789"));
            let error = PayoutRequest::from_json(whole.to_string().as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("request")), "{pointer}");
            assert!(!format!("{error} {error:?}").contains("0123456789"), "{error}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused_and_nothing_of_it_is_told() {
        let whole: Value = serde_json::from_str(EXAMPLES[1]).unwrap();
        for (pointer, value) in [
            ("/paymentMethod", json!(["BANK_TRANSFER", "IDR_014", ["Siti Rahmawati", "0123456789"]])),
            ("/paymentRequested", json!([{"amount": 1, "currencyCode": "IDR"}])),
            ("/paymentMethod/paymentMethodCode", json!("0123456789")),
            ("/paymentMethod/account/accountNumber", json!(123_456_789)),
            ("/paymentRequested/money/amount", json!("0123456789")),
        ] {
            let mut changed = whole.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let error = PayoutRequest::from_json(changed.to_string().as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}").to_lowercase();
            assert!(!shown.contains("123456789") && !shown.contains("siti"), "{shown}");
        }
        for text in [&b""[..], b"null", b"[]", b"{}", b"\xff", b"{\"paymentRequested\":"] {
            assert_eq!(PayoutRequest::from_json(text).unwrap_err().field(), Some("request"));
        }
    }
}
