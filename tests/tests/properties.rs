//! What holds for every value: money, ids, answers of tomorrow, and fingerprints.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};

use komopay_core::{
    BankAccount, BankTransfer, Client, Credentials, CryptoAccount, CryptoTransfer, Money, PaymentOptionFilter,
    PayoutId, PayoutMethod, PayoutRequest, WalletAccount, WalletTransfer,
};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{config, id, request, runtime};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

/// Nothing is written beside the tests: a failing case is printed, and becomes a test of its own.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: Some(Box::new(FileFailurePersistence::Off)), ..Default::default() }
}

// Money ---------------------------------------------------------------------------------------------------------------

/// The text of a JSON number: sign, digits, fraction, exponent.
fn number() -> impl Strategy<Value = String> {
    let digits = prop_oneof![3 => "0|[1-9][0-9]{0,4}", 2 => "[1-9][0-9]{0,31}"];
    let fraction =
        prop_oneof![2 => Just(String::new()), 2 => "\\.[0-9]{1,4}", 1 => "\\.[0-9]{1,31}", 1 => "\\.0{1,28}"];
    let exponent = prop_oneof![4 => Just(String::new()), 1 => "[eE][+-]?[0-9]{1,2}", 1 => "[eE][+-]?0{0,3}[0-9]{1,3}"];
    ("-?", digits, fraction, exponent)
        .prop_map(|(sign, digits, fraction, exponent)| sign + &digits + &fraction + &exponent)
}

/// The exact value of a number's text, by its characters alone: the sign, the digits without zeros at either end, and
/// the power of ten that they are multiplied by.
fn value(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut exponent = exponent.parse::<i64>().unwrap() - i64::try_from(fraction.len()).unwrap();
    let digits = format!("{}{fraction}", integer.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    exponent += i64::try_from(digits.len() - significant.len()).unwrap();
    if significant.is_empty() {
        (false, String::new(), 0)
    } else {
        (text.starts_with('-'), significant.to_owned(), exponent)
    }
}

/// The unit of the last digit that an amount can have.
const LAST: i128 = 10_i128.pow(28);

/// What is before the point, and what is behind it in units of the last digit, never below 0.
fn halves(money: &Money) -> (i128, i128) {
    let text = money.amount().to_string();
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    carried(sign * whole.parse::<i128>().unwrap(), sign * format!("{fraction:0<28}").parse::<i128>().unwrap())
}

fn carried(whole: i128, fraction: i128) -> (i128, i128) {
    (whole + fraction.div_euclid(LAST), fraction.rem_euclid(LAST))
}

/// Whether this has no more digits than an amount can have: 96 bits of them.
fn can_be_kept((whole, mut fraction): (i128, i128)) -> bool {
    let mut unit = LAST;
    while unit > 1 && fraction % 10 == 0 {
        (fraction, unit) = (fraction / 10, unit / 10);
    }
    let digits = whole.checked_mul(unit).and_then(|whole| whole.checked_add(fraction));
    digits.is_some_and(|digits| digits.unsigned_abs() < 1 << 96)
}

fn hash(money: &Money) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new).hash_one(money)
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn money_keeps_its_value_from_text_to_json_and_back_or_is_refused(text in number()) {
        let expected = value(&text);
        match Money::new(&text, "XTS") {
            Ok(money) => {
                prop_assert_eq!(&value(&money.amount().to_string()), &expected);
                let json = serde_json::to_string(&money).unwrap();
                let amount = json.strip_prefix(r#"{"amount":"#).unwrap();
                let amount = amount.strip_suffix(r#","currencyCode":"XTS"}"#).unwrap();
                prop_assert_eq!(&value(amount), &expected);
                prop_assert!(!amount.contains(['e', 'E', '"']), "{}", amount);
                prop_assert_eq!(&serde_json::from_str::<Money>(&json).unwrap(), &money);
                let given = format!(r#"{{"currencyCode":"XTS","amount":{text}}}"#);
                prop_assert_eq!(&serde_json::from_str::<Money>(&given).unwrap(), &money);
            }
            Err(error) => {
                prop_assert_eq!(error.field(), Some("money.amount"));
                // 28 digits before and after the point always fit, however they are written.
                let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
                let written = mantissa.bytes().filter(u8::is_ascii_digit).count();
                let moved = usize::try_from(exponent.parse::<i64>().unwrap().unsigned_abs()).unwrap();
                prop_assert!(written + moved > 28, "{} was refused", text);
            }
        }
    }

    #[test]
    fn a_sum_a_difference_and_an_order_are_exact_or_refused(one in number(), other in number()) {
        let (Ok(a), Ok(b)) = (Money::exact(&one, "XTS"), Money::exact(&other, "XTS")) else { return Ok(()) };
        let ((whole, fraction), (other_whole, other_fraction)) = (halves(&a), halves(&b));
        let sum = carried(whole + other_whole, fraction + other_fraction);
        let difference = carried(whole - other_whole, fraction - other_fraction);
        for (exact, made) in [(sum, a.checked_add(&b)), (difference, a.checked_sub(&b))] {
            match made {
                Ok(money) => prop_assert_eq!(halves(&money), exact),
                Err(error) => {
                    prop_assert_eq!(error.field(), Some("money.amount"));
                    prop_assert!(!can_be_kept(exact), "{} and {} were refused", a, b);
                }
            }
        }
        prop_assert_eq!(a.checked_cmp(&b).unwrap(), halves(&a).cmp(&halves(&b)));
        prop_assert_eq!(halves(&a.negated()), carried(-whole, -fraction));
        prop_assert_eq!(a.is_zero(), halves(&a) == (0, 0));
    }

    #[test]
    fn money_is_equal_and_hashes_alike_exactly_if_its_value_and_currency_are_equal(
        one in number(), other in number(), shift in 0..6_i64, same_currency: bool,
    ) {
        // The same value in another notation, half of the time.
        let (negative, digits, exponent) = value(&one);
        let other = if shift < 3 { other } else {
            let sign = if negative { "-" } else { "" };
            let zeros = "0".repeat(usize::try_from(shift).unwrap());
            let digits = if digits.is_empty() { "0".to_owned() } else { digits + &zeros };
            format!("{sign}{digits}e{}", exponent - shift)
        };
        let currency = if same_currency { "XTS" } else { "XXX" };
        let (Ok(a), Ok(b)) = (Money::new(&one, "XTS"), Money::new(&other, currency)) else { return Ok(()) };
        let equal = same_currency && value(&one) == value(&other);
        prop_assert_eq!(a == b, equal, "{} {}", one, other);
        prop_assert!(!equal || hash(&a) == hash(&b), "{} {}", one, other);
    }

    #[test]
    fn what_is_no_json_number_is_no_money(text in "[-+0-9.eE_, xNaIinf]{0,8}|\\PC{0,6}") {
        let is_number = serde_json::from_str::<serde_json::Number>(&text).is_ok() && text.trim() == text;
        prop_assert!(is_number || Money::new(&text, "XTS").is_err(), "{}", text);
    }

    #[test]
    fn an_id_is_its_text_or_is_refused(
        text in "[A-Za-z0-9_-]{1,250}|[A-Za-z0-9_-]{249,252}|[A-Za-z0-9_ /%.-]{0,8}|\\PC{0,4}",
    ) {
        let fits = (1..=250).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        match PayoutId::new(text.as_str()) {
            Ok(id) => {
                prop_assert!(fits, "{}", text);
                prop_assert_eq!((id.as_str(), id.to_string()), (text.as_str(), text.clone()));
                prop_assert_eq!(text.parse::<PayoutId>().unwrap(), id);
            }
            Err(error) => prop_assert!(!fits && error.field() == Some("payout_id"), "{}", text),
        }
    }
}

// Answers of tomorrow -------------------------------------------------------------------------------------------------

/// A peer whose next answer is settable, and a client of it.
struct Answering {
    client: Client,
    answer: Arc<Mutex<(&'static str, String)>>,
}

impl Answering {
    fn get() -> &'static Self {
        static ONCE: OnceLock<Answering> = OnceLock::new();
        ONCE.get_or_init(|| {
            runtime().block_on(async {
                let answer = Arc::new(Mutex::new(("200 OK", String::new())));
                let peer = Peer::start({
                    let answer = Arc::clone(&answer);
                    move |_, _| {
                        let answer = answer.lock().unwrap();
                        http(answer.0, "", &answer.1)
                    }
                })
                .await;
                let mut config = config(&peer.base_url());
                config.credentials = Credentials::token("opaque-token");
                config.attempt_timeout = std::time::Duration::from_secs(30);
                config.total_timeout = std::time::Duration::from_secs(60);
                Self { client: Client::new(config).unwrap(), answer }
            })
        })
    }

    /// What a call comes back as, if this is the answer to it. One case at a time: all share one answer.
    fn to<T, F: Future<Output = T>>(status: &'static str, json: &str, call: impl FnOnce(&'static Client) -> F) -> T {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let this = Self::get();
        *this.answer.lock().unwrap() = (status, json.to_owned());
        runtime().block_on(call(&this.client))
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        "\\PC{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec(("\\PC{0,6}", inner), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Fields that nobody knows yet: where (by number of the object), name and value.
fn news() -> impl Strategy<Value = Vec<(Index, String, Value)>> {
    vec((any::<Index>(), "new[A-Za-z]{1,8}", any_json()), 1..6)
}

/// With these fields put into it, each into one of its objects.
fn with_news(mut document: Value, news: &[(Index, String, Value)]) -> Value {
    /// Counts the objects down, and puts the field into the one where it comes to nothing.
    fn put(value: &mut Value, wanted: &mut usize, name: &str, new: &Value) {
        match value {
            Value::Object(object) => {
                if *wanted == 0 {
                    object.insert(name.to_owned(), new.clone());
                }
                *wanted = wanted.wrapping_sub(1);
                let known = object.iter_mut().filter(|(name, _)| !name.starts_with("new"));
                known.for_each(|(_, value)| put(value, wanted, name, new));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| put(value, wanted, name, new)),
            _ => {}
        }
    }
    fn count(value: &Value) -> usize {
        match value {
            Value::Object(object) => {
                1 + object
                    .iter()
                    .filter(|(name, _)| !name.starts_with("new"))
                    .map(|(_, value)| count(value))
                    .sum::<usize>()
            }
            Value::Array(values) => values.iter().map(count).sum(),
            _ => 0,
        }
    }
    for (place, name, value) in news {
        let mut wanted = place.index(count(&document));
        put(&mut document, &mut wanted, name, value);
    }
    document
}

fn example(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A code that may be known or not.
fn code() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Z][A-Z_]{0,20}",
        1 => "\\PC{1,12}",
        1 => select(vec!["PROCESSING", "SUCCESS", "FAILED", "BANK_TRANSFER", "SYSTEM"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_payout_with_fields_and_codes_of_tomorrow_is_read_as_ever(
        news in news(), status in code(), failure in code(), method in code(), processor in code(),
    ) {
        let mut answer = example(include_str!("../contract/examples/payout-get.failed.response.200.json"));
        let today = answer.clone();
        answer["process"]["status"] = json!(status);
        answer["process"]["failureReasons"]["failureReasonCode"] = json!(failure);
        answer["process"]["processorStatus"] = json!(processor);
        answer["paymentMethodResponse"]["paymentMethodCode"] = json!(method);
        let text = with_news(answer, &news).to_string();
        let payout = today["paymentMethodResponse"]["idPayout"].as_str().unwrap();
        let read = |client: &'static Client| async move { client.get_payout(&id(payout)).await };
        let payout = Answering::to("200 OK", &text, read).unwrap();
        prop_assert_eq!(payout.raw.as_str(), text.as_str());
        prop_assert_eq!(payout.status.as_str(), status.as_str());
        prop_assert_eq!(payout.status.is_final(), ["SUCCESS", "FAILED", "REFUSED"].contains(&status.as_str()));
        prop_assert_eq!(payout.failure_reason.as_ref().unwrap().code.as_str(), failure.as_str());
        prop_assert_eq!(payout.method_code.as_str(), method.as_str());
        prop_assert_eq!(payout.processor_status.as_deref(), Some(processor.as_str()));
        let money = &today["paymentRequested"]["money"];
        prop_assert_eq!(payout.money.amount().to_string(), money["amount"].to_string());
        prop_assert!(payout.fee.is_some() && payout.created_at.is_some() && payout.is_test.is_some());
        prop_assert_eq!(payout.payment_id.as_deref(), today["paymentMethodResponse"]["idPayment"].as_str());
    }

    #[test]
    fn an_acceptance_with_fields_of_tomorrow_is_one(news in news()) {
        let answer = with_news(example(include_str!("../contract/documented/create.response.json")), &news).to_string();
        let request = request();
        let accepted = Answering::to("201 Created", &answer, |client| async move {
            client.create_payout(&id("TST-223344"), &request, false).await
        }).unwrap();
        prop_assert_eq!((accepted.recovered, accepted.raw.as_str()), (false, answer.as_str()));
    }

    #[test]
    fn lists_with_fields_and_codes_of_tomorrow_are_read_as_ever(news in news(), method in code(), direction in code()) {
        let mut answer = example(include_str!("../contract/examples/payment-options.response.200.json"));
        answer["data"][0]["paymentMethodCode"] = json!(method);
        answer["data"][0]["paymentTypeCode"] = json!(direction);
        let today = answer.clone();
        let text = with_news(answer, &news).to_string();
        let all = PaymentOptionFilter::default();
        let read = |client: &'static Client| async move { client.payment_options(&all).await };
        let options = Answering::to("200 OK", &text, read).unwrap();
        prop_assert_eq!(options.len(), 1);
        prop_assert_eq!(options[0].method_code.as_str(), method.as_str());
        prop_assert_eq!(options[0].type_code.as_str(), direction.as_str());
        let codes: Vec<_> = options[0].operators.iter().map(|operator| json!(operator.code)).collect();
        let operators = today["data"][0]["paymentOperators"].as_array().unwrap();
        let expected: Vec<_> = operators.iter().map(|operator| operator["code"].clone()).collect();
        prop_assert_eq!(codes, expected);
        prop_assert!(text.contains(options[0].raw.as_str()));

        let balances = example(include_str!("../contract/examples/balances.response.200.json"));
        let balances = with_news(balances, &news).to_string();
        let balances = Answering::to("200 OK", &balances, |client| async move { client.balances(&[]).await }).unwrap();
        prop_assert!(!balances.is_empty() && balances.iter().all(|balance| balance.last_movement.is_some()));
    }

    #[test]
    fn a_refusal_with_fields_and_codes_of_tomorrow_keeps_its_codes(
        news in news(), codes in vec("[A-Z][A-Z_]{0,30}", 1..4),
    ) {
        let entry = |code| json!({"code": code, "attrCode": "a.b", "description": "said"});
        let entries: Vec<Value> = codes.iter().map(entry).collect();
        let text = with_news(Value::Array(entries), &news).to_string();
        let read = |client: &'static Client| client.currencies();
        let error = Answering::to("406 Not Acceptable", &text, read).unwrap_err();
        let found: Vec<_> = error.reasons().iter().map(|reason| reason.code.clone()).collect();
        prop_assert_eq!(found, codes);
        prop_assert_eq!(error.field(), Some("a.b"));
    }
}

// Fingerprints --------------------------------------------------------------------------------------------------------

const KEY: &[u8] = b"0123456789abcdef";

/// Short texts, so that the end of one field is often the beginning of another.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]{0,3}", 1 => "\\PC{0,10}"]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), text().prop_map(Some)]
}

fn method() -> impl Strategy<Value = PayoutMethod> {
    let bank = (text(), maybe(), maybe(), text(), text(), [maybe(), maybe(), maybe(), maybe(), maybe(), maybe()])
        .prop_map(|(operator_code, email_address, remark, name, number, more)| {
            let [account_type, bank_code, bank_name, bank_branch, bank_city, bank_province] = more;
            let account =
                BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province };
            PayoutMethod::from(BankTransfer { operator_code, account, email_address, remark })
        });
    let crypto = (text(), text(), maybe()).prop_map(|(operator_code, number, remark)| {
        PayoutMethod::from(CryptoTransfer { operator_code, account: CryptoAccount { number }, remark })
    });
    let wallet = [maybe(), maybe(), maybe(), maybe(), maybe()].prop_map(
        |[operator_code, phone_number, remark, name, number]| {
            PayoutMethod::from(WalletTransfer {
                operator_code,
                account: WalletAccount { name, number },
                phone_number,
                remark,
            })
        },
    );
    prop_oneof![bank, crypto, wallet]
}

fn any_request() -> impl Strategy<Value = PayoutRequest> {
    let money = ("[1-9][0-9]{0,2}(\\.[0-9]{1,2})?", "IDR|USD|A|AB").prop_map(|(a, c)| Money::new(a, c).unwrap());
    (money, method(), [maybe(), maybe(), maybe(), maybe()]).prop_map(|(money, method, more)| {
        let [segment_code, exchanged_to_currency, callback_url, customer_ip] = more;
        PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip }
    })
}

/// Those that a bank account must have, and those that it may have.
fn account_texts(account: &mut BankAccount) -> ([&mut String; 2], [&mut Option<String>; 6]) {
    let BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } =
        account;
    ([name, number], [account_type, bank_code, bank_name, bank_branch, bank_city, bank_province])
}

/// All texts of a request that can be changed, each by its own way to it.
fn texts(request: &mut PayoutRequest) -> Vec<&mut String> {
    let PayoutRequest { money: _, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = request;
    let mut optional = vec![segment_code, exchanged_to_currency, callback_url, customer_ip];
    let mut texts = Vec::new();
    match method {
        PayoutMethod::BankTransfer(BankTransfer { operator_code, account, email_address, remark }) => {
            let (needed, others) = account_texts(account);
            texts.push(operator_code);
            texts.extend(needed);
            optional.extend([email_address, remark]);
            optional.extend(others);
        }
        PayoutMethod::CryptoTransfer(CryptoTransfer { operator_code, account, remark }) => {
            texts.extend([operator_code, &mut account.number]);
            optional.push(remark);
        }
        PayoutMethod::WalletTransfer(WalletTransfer { operator_code, account, phone_number, remark }) => {
            optional.extend([operator_code, phone_number, remark, &mut account.name, &mut account.number]);
        }
    }
    texts.extend(optional.into_iter().flatten());
    texts
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_request_that_was_written_down_comes_back_with_every_digit_and_field(
        request in any_request(), amount in number(), text in "\\PC|[\\x00-\\x20\"\\\\]{0,4}",
    ) {
        let mut request = request;
        if let Ok(money) = Money::exact(amount, request.money.currency()) {
            request.money = money;
        }
        if let Some(field) = texts(&mut request).pop() {
            *field = text;
        }
        let json = serde_json::to_vec(&request).unwrap();
        let back = PayoutRequest::from_json(&json).unwrap();
        prop_assert_eq!(&back, &request);
        prop_assert_eq!(serde_json::to_vec(&back).unwrap(), json, "the digits, too");
        prop_assert_eq!(back.fingerprint(KEY).unwrap(), request.fingerprint(KEY).unwrap());
    }

    #[test]
    fn fingerprints_are_equal_exactly_if_the_requests_are(requests in vec(any_request(), 2..8)) {
        for one in &requests {
            let print = one.fingerprint(KEY).unwrap();
            let digits = print.strip_prefix("2:").unwrap_or_default();
            let is_digit = |byte: u8| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase();
            prop_assert!(digits.len() == 62 && digits.bytes().all(is_digit));
            prop_assert_eq!(&one.clone().fingerprint(KEY).unwrap(), &print);
            prop_assert_ne!(&one.fingerprint(b"0123456789abcdeF").unwrap(), &print);
            for other in &requests {
                prop_assert_eq!(other.fingerprint(KEY).unwrap() == print, one == other, "{:?}", (one, other));
            }
        }
    }

    #[test]
    fn every_changed_field_changes_the_fingerprint(request in any_request(), more in "[ab]|\\PC") {
        let mut prints = HashSet::from([request.fingerprint(KEY).unwrap()]);
        let count = texts(&mut request.clone()).len();
        for n in 0..count {
            let mut changed = request.clone();
            texts(&mut changed)[n].push_str(&more);
            prop_assert!(prints.insert(changed.fingerprint(KEY).unwrap()), "text {}", n);
        }
        let mut changed = request.clone();
        changed.money = Money::new(format!("1{}", request.money.amount()), request.money.currency()).unwrap();
        prop_assert!(prints.insert(changed.fingerprint(KEY).unwrap()), "amount");
        changed.money = Money::from_decimal(request.money.amount(), format!("{}X", request.money.currency())).unwrap();
        prop_assert!(prints.insert(changed.fingerprint(KEY).unwrap()), "currency");
        // An empty text is there; an absent one is not.
        if changed.segment_code.is_none() {
            changed.segment_code = Some(String::new());
            prop_assert!(prints.insert(changed.fingerprint(KEY).unwrap()), "absent");
        }
    }

    #[test]
    fn neither_the_notation_of_the_money_nor_the_order_in_which_fields_were_set_counts(request in any_request()) {
        let (_, digits, exponent) = value(&request.money.amount().to_string());
        let money = Money::new(format!("{digits}00e{}", exponent - 2), request.money.currency()).unwrap();
        let mut again = PayoutRequest::new(money, request.method.clone());
        again.customer_ip = request.customer_ip.clone();
        again.callback_url = request.callback_url.clone();
        again.exchanged_to_currency = request.exchanged_to_currency.clone();
        again.segment_code = request.segment_code.clone();
        prop_assert_eq!(again.fingerprint(KEY).unwrap(), request.fingerprint(KEY).unwrap());
    }
}

/// Were it not for the lengths, the second would be the same bytes as the first.
#[test]
fn no_field_can_pass_for_the_end_of_itself_and_another_field() {
    let mut two = request();
    two.callback_url = Some("a".to_owned());
    two.customer_ip = Some("b".to_owned());
    let mut one = request();
    one.callback_url = Some("a\0\0\0\0\0\0\0\x0bcustomer_ipb".to_owned());
    assert_eq!("customer_ip".len(), 0x0b);
    assert_ne!(one.fingerprint(KEY).unwrap(), two.fingerprint(KEY).unwrap());
}
