//! Signing: the callback URL that is handed over with a create.

use jiff::Timestamp;
use url::Url;

use super::key::{CallbackKey, Signature};
use crate::address::{self, is_loopback};
use crate::error::{Error, Result};
use crate::values::PayoutId;

/// The query parameter that carries the signature.
pub(crate) const PARAMETER: &str = "komopay";

/// The longest callback URL, in characters (contract: `callbackUrl`).
const LONGEST: usize = 1000;

/// Where in the URL the signature stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignaturePlace {
    /// As a last segment of the path: `https://shop.example/hook/1.0.pK3...`. The default, since nothing that leads to
    /// the path drops it; the platform does not promise that a query survives.
    #[default]
    Path,
    /// As a query parameter: `https://shop.example/hook?komopay=1.0.pK3...`, for servers that know exact paths only.
    Query,
}

/// How a callback URL is signed. The default never expires, and stands in the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CallbackUrlOptions {
    /// When the URL ends. Leave time for the payout, which may take days, and for the platform's repeats: what comes
    /// later is refused, and the change is seen by reading only.
    pub expires_at: Option<Timestamp>,
    /// Where in the URL the signature stands.
    pub place: SignaturePlace,
}

/// Signs `base` for callbacks of this payout.
pub(crate) fn sign(
    keys: &[CallbackKey],
    base: &str,
    id: &PayoutId,
    options: &CallbackUrlOptions,
    now: Timestamp,
) -> Result<String> {
    let Some(key) = keys.first() else {
        return Err(Error::setting("callback_keys", "is empty, and a callback URL is signed with the first key"));
    };
    let mut url = check_base(base)?;
    let expires = match options.expires_at {
        None => 0,
        Some(time) if time <= now => return Err(Error::invalid("expires_at", "is not in the future")),
        Some(time) => u64::try_from(time.as_second()).map_err(|_| Error::invalid("expires_at", "is before 1970"))?,
    };
    let signature = Signature::make(key, id, expires)?;
    match options.place {
        SignaturePlace::Path => {
            let mut path = url
                .path_segments_mut()
                .map_err(|()| Error::invalid("callback_url", "has no path that can be extended"))?;
            path.pop_if_empty().push(&signature);
        }
        SignaturePlace::Query => {
            let query = match url.query() {
                Some(query) if !query.is_empty() => format!("{query}&{PARAMETER}={signature}"),
                _ => format!("{PARAMETER}={signature}"),
            };
            url.set_query(Some(&query));
        }
    }
    let signed = String::from(url);
    if signed.chars().count() > LONGEST {
        return Err(refuse(&format!("is longer than {LONGEST} characters when it is signed")));
    }
    Ok(signed)
}

fn refuse(problem: &str) -> Error {
    Error::invalid("callback_url", problem)
}

/// Refuses what the platform could not call, what would show the signature to others, and what would not be read again.
fn check_base(base: &str) -> Result<Url> {
    // Before the parser, which drops or mends some of them, and need not be shown a megabyte.
    if base.len() > LONGEST {
        return Err(refuse(&format!("is longer than {LONGEST} characters")));
    }
    let url = address::parse(base)
        .map_err(|problem| refuse(&format!("{problem}; give one such as https://shop.example/hook")))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(refuse("must be https: by plain http others would read the signature")),
        _ => return Err(refuse("must start with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not hold a user name or password: the URL is stored and logged by others"));
    }
    if url.fragment().is_some() {
        return Err(refuse("must not have a fragment, which is never sent"));
    }
    let is_signed = url.query_pairs().any(|(name, _)| name == PARAMETER)
        || url.path_segments().is_some_and(|mut path| path.any(|segment| Signature::parse(segment).is_some()));
    if is_signed {
        return Err(refuse("is signed already; give the URL without a signature"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<CallbackKey> {
        vec![CallbackKey::new("0123456789abcdef0123456789abcdef")]
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn signed(base: &str, place: SignaturePlace) -> Result<String> {
        let options = CallbackUrlOptions { expires_at: None, place };
        sign(&keys(), base, &PayoutId::new("TST-223344").unwrap(), &options, at(1000))
    }

    #[test]
    fn the_signature_stands_in_the_path_or_the_query_and_the_rest_is_kept() {
        let sign = Signature::make(&keys()[0], &PayoutId::new("TST-223344").unwrap(), 0).unwrap();
        for (base, in_path, in_query) in [
            ("https://shop.example", "https://shop.example/{}", "https://shop.example/?komopay={}"),
            ("https://shop.example/", "https://shop.example/{}", "https://shop.example/?komopay={}"),
            ("https://shop.example/hook", "https://shop.example/hook/{}", "https://shop.example/hook?komopay={}"),
            ("https://shop.example/hook/", "https://shop.example/hook/{}", "https://shop.example/hook/?komopay={}"),
            (
                "https://a.example/h?x=%20y&x=",
                "https://a.example/h/{}?x=%20y&x=",
                "https://a.example/h?x=%20y&x=&komopay={}",
            ),
            ("https://a.example/h?", "https://a.example/h/{}?", "https://a.example/h?komopay={}"),
            ("https://203.0.113.7:8443/h", "https://203.0.113.7:8443/h/{}", "https://203.0.113.7:8443/h?komopay={}"),
            ("http://127.0.0.1:8080/h", "http://127.0.0.1:8080/h/{}", "http://127.0.0.1:8080/h?komopay={}"),
        ] {
            assert_eq!(signed(base, SignaturePlace::Path).unwrap(), in_path.replace("{}", &sign));
            assert_eq!(signed(base, SignaturePlace::Query).unwrap(), in_query.replace("{}", &sign));
        }
    }

    #[test]
    fn bases_that_cannot_be_called_or_would_show_the_signature_are_refused() {
        let once = signed("https://shop.example/hook", SignaturePlace::Path).unwrap();
        for base in [
            "",
            "shop.example/hook",
            "/hook",
            "http://shop.example/hook",
            "http://localhost.evil.example/",
            "ftp://shop.example/hook",
            "mailto:a@shop.example",
            "https://",
            "https:shop.example/hook",
            "https:///shop.example/hook",
            "https://user@shop.example/hook",
            "https://user:pw@shop.example/hook",
            "https://shop.example/hook#top",
            "https://shop.example/hook?komopay=1",
            "https://shop.example/hook?a=b&komopa%79=1",
            " https://shop.example/hook",
            "https://shop.example/ho\tok",
            "https://shop.example\\hook",
            &once,
            &format!("https://shop.example/{}", "x".repeat(1000)),
            &format!("https://shop.example/{}", "x".repeat(940)),
        ] {
            for place in [SignaturePlace::Path, SignaturePlace::Query] {
                let error = signed(base, place).unwrap_err();
                assert_eq!(error.field(), Some("callback_url"), "{base}");
                assert!(!error.message().contains("pw"), "{error}");
            }
        }
    }

    #[test]
    fn the_longest_url_has_a_thousand_characters() {
        let longest = signed(&format!("https://shop.example/{}", "x".repeat(930)), SignaturePlace::Path).unwrap();
        let room = 1000 - longest.len();
        let base = format!("https://shop.example/{}", "x".repeat(930 + room));
        assert_eq!(signed(&base, SignaturePlace::Path).unwrap().len(), 1000);
        assert!(signed(&format!("{base}x"), SignaturePlace::Path).is_err());
    }

    #[test]
    fn signing_needs_a_key_and_an_expiry_in_the_future() {
        let id = PayoutId::new("A").unwrap();
        let error = sign(&[], "https://shop.example", &id, &CallbackUrlOptions::default(), at(1000)).unwrap_err();
        assert_eq!(error.field(), Some("callback_keys"));
        let expiring = |time| CallbackUrlOptions { expires_at: Some(at(time)), ..CallbackUrlOptions::default() };
        for (time, fits) in [(-1, false), (0, false), (999, false), (1000, false), (1001, true)] {
            let signed = sign(&keys(), "https://shop.example", &id, &expiring(time), at(1000));
            assert_eq!(signed.map_err(|error| error.field().map(str::to_owned)).is_ok(), fits, "{time}");
        }
    }
}
