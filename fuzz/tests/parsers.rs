//! Every parser of what comes from outside: no input makes it panic, and what it reads is what was there.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bolero::check;
use komopay_core::{
    CallbackKey, CallbackUrlOptions, Client, Config, Credentials, Money, PayoutId, SignaturePlace, fuzzing,
};
use komopay_fuzz::texts::{self, Text};
use komopay_fuzz::{Input, SECRET};

/// A document of the contract.
macro_rules! document {
    ($path:literal) => {
        include_str!(concat!("../../tests/contract/", $path))
    };
}

#[test]
fn money_text() {
    let amounts =
        ["10000", "42.05", "1E+4", "12345678901234567890.12345678", "0.1234567890123456789012345678", "-3.50"];
    check!().with_type::<Input>().for_each(|input| {
        let text = input.text(&amounts);
        let Ok(money) = Money::new(&text, "XTS") else { return };
        let json = serde_json::to_string(&money).unwrap();
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money, "{text}");
        assert_eq!(Money::new(money.amount().to_string(), "XTS").unwrap(), money, "{text}");
        // What is read from a text is what is read from the same text as JSON.
        let wire = format!(r#"{{"amount":{text},"currencyCode":"XTS"}}"#);
        assert_eq!(serde_json::from_str::<Money>(&wire).unwrap(), money);
    });
}

#[test]
fn payout_id_text() {
    check!().with_type::<Input>().for_each(|input| {
        let text = input.text(&["TST-223344", "INV_2024-0001"]);
        let fits = (1..=250).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let id = text.parse::<PayoutId>();
        assert_eq!(id.is_ok(), fits, "{text}");
        if let Ok(id) = id {
            assert_eq!(id.as_str(), text);
        }
    });
}

#[test]
fn accepted_json() {
    let documents =
        [document!("documented/create.response.json"), document!("examples/payout-create.response.201.json")];
    let ids = ["TST-223344", "INV-2024-0001"].map(|id| PayoutId::new(id).unwrap());
    check!().with_type::<Input>().for_each(|input| {
        let body = input.document(&documents);
        for id in &ids {
            if let Some(accepted) = fuzzing::payout_accepted(id, &body) {
                assert_eq!(accepted.raw.as_str().as_bytes(), body);
                assert!(accepted.raw.as_str().trim_start().starts_with('{'));
                assert_eq!((&accepted.payout_id, accepted.recovered), (id, false));
                let _ = format!("{accepted:?}");
            }
        }
    });
}

#[test]
fn payout_json() {
    let documents = [
        document!("documented/status.response.json"),
        document!("examples/payout-get.response.200.json"),
        document!("examples/payout-get.failed.response.200.json"),
        document!("examples/payout-get.processing.response.200.json"),
    ];
    let ids = ["TST-112233", "INV-2024-0001"].map(|id| PayoutId::new(id).unwrap());
    check!().with_type::<Input>().for_each(|input| {
        let body = input.document(&documents);
        for id in &ids {
            if let Some(payout) = fuzzing::payout(id, &body) {
                assert_eq!(payout.raw.as_str().as_bytes(), body);
                assert!(payout.raw.as_str().trim_start().starts_with('{'));
                let known = ["SUCCESS", "FAILED", "REFUSED"].contains(&payout.status.as_str());
                assert_eq!(payout.status.is_final(), known);
                let _ = format!("{payout:?}");
            }
        }
    });
}

#[test]
fn refusal_bodies() {
    let documents = [
        document!("examples/payout-create.response.406.json"),
        document!("examples/payout-create.response.409.json"),
        document!("examples/auth-tokens.response.403.json"),
        document!("examples/balances.response.406.json"),
        r#"[{"code":"X","attrCode":"550066007700","description":"account 550066007700 is odd"}]"#,
        r#"{"description":"account 550066007700 is odd"}"#,
    ];
    check!().with_type::<(u16, Input)>().for_each(|(status, input)| {
        let body = input.document(&documents);
        for status in [406, 400, 100 + status % 500] {
            let error = fuzzing::error(status, &body, &[SECRET]);
            assert_eq!(error.http_status(), Some(status));
            let shown = format!("{error} {error:?} {:?} {:?}", error.field(), error.reasons());
            assert!(!shown.contains(SECRET), "{shown}");
        }
    });
}

#[test]
fn texts_of_the_platform() {
    let personal = [texts::NUMBERS[0], texts::NUMBERS[1], texts::NAME];
    let scrub = |text: &str| fuzzing::scrubbed(text, &[texts::CREDENTIAL], &personal, Some(texts::ID));
    // Zeros before a number, and the country of a phone number, may be left out.
    let numbers = ["55006677", "81234567890", "s3crettok3n"];
    let is_odd = |c: char| c.is_control() || "\u{2028}\u{2029}\u{200e}\u{200f}\u{61c}\u{feff}".contains(c);
    let turns = |c: char| ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    check!().with_type::<Text>().for_each(|text| {
        let text = text.text();
        let shown = scrub(&text);
        let all = [&shown.of_a_read, &shown.of_a_create, &shown.code, &shown.attribute, &shown.request_id];
        for shown in all {
            for number in numbers {
                assert!(!texts::said(shown).contains(number), "{number} in {shown:?}");
            }
            assert!(!shown.contains(|c| is_odd(c) || turns(c)), "{shown:?}");
            assert!(shown.chars().count() <= 501, "{shown}");
        }
        for shown in [&shown.of_a_read, &shown.of_a_create] {
            assert!(!texts::said(shown).contains("operator"), "{shown:?}");
            // A text that is not cut keeps our words.
            let cut = shown.ends_with('…') || text.chars().count() > 8000;
            assert!(cut || shown.matches(texts::OURS).count() == text.matches(texts::OURS).count(), "{shown:?}");
        }
        let long = shown.of_a_read.replace(texts::ID, "|");
        assert!(!long.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 8), "{long:?}");
        let again = |text: &str, of: fn(fuzzing::Scrubbed) -> String| assert_eq!(of(scrub(text)), text);
        again(&shown.of_a_read, |shown| shown.of_a_read);
        again(&shown.of_a_create, |shown| shown.of_a_create);
        again(&shown.code, |shown| shown.code);
        again(&shown.attribute, |shown| shown.attribute);
        again(&shown.request_id, |shown| shown.request_id);
    });
    let ours = scrub(texts::OURS);
    assert_eq!((ours.attribute.as_str(), ours.of_a_read.as_str()), (texts::OURS, texts::OURS));
}

#[test]
fn header_times() {
    let documents =
        ["7", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    check!().with_type::<Input>().for_each(|input| {
        let text = input.text(&documents);
        let pause = fuzzing::retry_after(&text, now);
        if let Ok(seconds) = text.trim().parse::<u64>() {
            assert_eq!(pause.unwrap().as_secs(), seconds.min(365 * 24 * 3600));
        }
        assert!(pause.unwrap_or_default() <= Duration::from_hours(365 * 24), "longer than a year: {text}");
        if let Some(date) = fuzzing::date(&text) {
            let _ = date.to_string();
        }
    });
}

#[test]
fn token_claims() {
    let payloads = [
        r#"{"operations":["POST /payouts/A","GET /payouts/A"],"exp":1622628438,"jti":"d7","iat":1622627838,"sub":"M"}"#,
        r#"{"operations":["GET /payouts/.*"],"exp":1,"iat":2}"#,
        "{}",
    ];
    let tokens = [document!("documented/token.jwt")];
    check!().with_type::<(bool, Input)>().for_each(|(inside, input)| {
        let token = if *inside {
            format!("h.{}.s", URL_SAFE_NO_PAD.encode(input.document(&payloads)))
        } else {
            input.text(&tokens)
        };
        if let Some((_, ends, _)) = fuzzing::claims(&token, "GET /balances") {
            let _ = ends.map(|ends| ends.to_string());
        }
    });
}

#[test]
fn token_answers() {
    let documents = [document!("examples/auth-tokens.response.200.json"), r#"{"token":"t"}"#, r#"["t"]"#];
    check!().with_type::<Input>().for_each(|input| {
        let body = input.document(&documents);
        let is_there = serde_json::from_slice::<serde_json::Value>(&body)
            .is_ok_and(|value| value["token"].as_str().is_some_and(|token| !token.is_empty()));
        // A key given twice is refused; the reference takes the last one.
        assert!(is_there || !fuzzing::has_token(&body));
    });
}

#[test]
fn catalogue_lists() {
    let documents = [
        document!("examples/balances.response.200.json"),
        document!("examples/available-payout-options.response.200.json"),
        document!("examples/payment-options.response.200.json"),
        document!("examples/payment-operators.response.200.json"),
        document!("examples/payment-methods.response.200.json"),
        document!("examples/merchant-info.response.200.json"),
    ];
    check!().with_type::<Input>().for_each(|input| {
        let body = input.document(&documents);
        let _ = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            fuzzing::balances(&body),
            fuzzing::payout_options(&body),
            fuzzing::payment_options(&body),
            fuzzing::payment_operators(&body),
            fuzzing::codes(&body),
            fuzzing::merchant_info(&body),
        );
    });
}

/// A client that signs and checks callback URLs, and one that has no key. Neither sends anything.
static CLIENTS: LazyLock<[Client; 2]> = LazyLock::new(|| {
    [vec![CallbackKey::new("a key of the fuzz targets, 32 bytes")], Vec::new()].map(|keys| {
        let mut config = Config::new("http://127.0.0.1:9", Credentials::token("t"));
        config.callback_keys = keys;
        Client::new(config).unwrap()
    })
});

/// The URL of the payout that the targets know.
fn signed(base: &str, place: SignaturePlace) -> Option<String> {
    let options = CallbackUrlOptions { expires_at: None, place };
    CLIENTS[0].callback_url(base, &PayoutId::new("TST-223344").unwrap(), &options).ok()
}

#[test]
fn callbacks() {
    let [in_path, in_query] = [SignaturePlace::Path, SignaturePlace::Query]
        .map(|place| signed("https://shop.example/hook?a=b", place).unwrap());
    let urls = [in_path.as_str(), in_query.as_str(), "/hook/1.0.x?komopay=1.0.y#z"];
    let bodies = [r#"{"idEntity": "TST-223344"}"#, r#"{"idEntity": "INV-2024-0001", "new": [1]}"#];
    check!().with_type::<(Input, Input)>().for_each(|(body, url)| {
        let (body, url) = (body.document(&bodies), url.text(&urls));
        if let Ok(callback) = CLIENTS[1].read_callback(&body, &url) {
            assert!(!callback.verified);
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(json["idEntity"], callback.payout_id.as_str());
        }
        if let Ok(callback) = CLIENTS[0].read_callback(&body, &url) {
            assert_eq!((callback.payout_id.as_str(), callback.verified), ("TST-223344", true), "{url}");
        }
    });
}

#[test]
fn callback_urls() {
    let bases = ["https://shop.example/hook?a=b", "http://127.0.0.1:8080/h", "https://[::1]:8443/a/b/?x=%20"];
    check!().with_type::<(bool, Input)>().for_each(|(in_query, base)| {
        let base = base.text(&bases);
        let place = if *in_query { SignaturePlace::Query } else { SignaturePlace::Path };
        if let Some(url) = signed(&base, place) {
            assert!(url.is_ascii() && url.len() <= 1000, "{url}");
            let callback = CLIENTS[0].read_callback(br#"{"idEntity": "TST-223344"}"#, &url);
            assert!(callback.is_ok_and(|callback| callback.verified), "{url}");
        }
    });
}
