//! Reading a callback: what the body says, held against what the URL was signed for.

use jiff::Timestamp;
use serde::Deserialize;
use url::form_urlencoded;

use crate::callback_url::{CallbackKey, PARAMETER, Signature};
use crate::error::{Error, Result};
use crate::json::object;
use crate::values::PayoutId;

/// The largest body that is looked at, in bytes. The documented one has less than 300.
const LARGEST_BODY: usize = 64 * 1024;

/// The longest URL that is looked at, in bytes: a signed one has at most 1000 characters, and proxies may add theirs.
const LONGEST_URL: usize = 8 * 1024;

/// A callback that was read: the platform says that this payout changed. Its status is read from the platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Callback {
    /// The payout that changed.
    pub payout_id: PayoutId,
    /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without keys:
    /// with keys, what does not verify is refused.
    pub verified: bool,
}

impl Callback {
    /// The largest body that is looked at, in bytes: 64 KiB. Who receives callbacks need not read more than one byte
    /// above it; [`Client::read_callback`](crate::Client::read_callback) refuses that.
    ///
    /// ```
    /// assert_eq!(komopay_core::Callback::LARGEST_BODY, 65536);
    /// ```
    pub const LARGEST_BODY: usize = LARGEST_BODY;
}

/// The body (contract: `StatusChangeCallback`). A field that is given twice is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallbackWire {
    id_entity: String,
}

/// Reads and checks a callback. Without keys, nothing of the URL is looked at.
pub(crate) fn check(keys: &[CallbackKey], body: &[u8], url: &str, now: Timestamp) -> Result<Callback> {
    let payout_id = read_body(body)?;
    if keys.is_empty() {
        return Ok(Callback { payout_id, verified: false });
    }
    if url.len() > LONGEST_URL {
        return Err(Error::callback("url", format_args!("its URL is longer than {LONGEST_URL} bytes")));
    }
    let Some(signature) = signature_in(url) else {
        return Err(Error::callback("signature", "its URL carries no signature"));
    };
    if !signature.is_of(keys, &payout_id)? {
        let problem =
            "its URL was not signed for this payout with one of the keys; it is forged, or for another payout";
        return Err(Error::callback("signature", problem));
    }
    // After the signature, so that only who was given the URL learns that it has ended.
    let is_over = u64::try_from(now.as_second()).is_ok_and(|now| now >= signature.expires);
    if signature.expires != 0 && is_over {
        return Err(Error::callback("expires_at", "its URL has expired").with_payout_id(&payout_id));
    }
    Ok(Callback { payout_id, verified: true })
}

fn read_body(body: &[u8]) -> Result<PayoutId> {
    if body.len() > LARGEST_BODY {
        return Err(Error::callback("body_size", format_args!("its body is larger than {LARGEST_BODY} bytes")));
    }
    let refuse = |problem: &str| Error::callback("body", format_args!("its body cannot be read: {problem}"));
    if body.is_empty() {
        return Err(refuse("it is empty, or something before the receiver, such as a middleware, has read it already"));
    }
    let text = std::str::from_utf8(body).map_err(|_| refuse("it is not UTF-8"))?;
    let wire: CallbackWire = object(text).map_err(|unreadable| refuse(&unreadable.0))?;
    PayoutId::new(wire.id_entity).map_err(|_| refuse("idEntity is not a payout id"))
}

/// The signature in a URL, which may be absolute or start at its path: what a framework gives, behind whatever proxies.
fn signature_in(url: &str) -> Option<Signature> {
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == PARAMETER);
    match (given.next(), given.next()) {
        (Some((_, text)), None) => Signature::parse(&text),
        // Which of them counts is nobody's to choose.
        (Some(_), Some(_)) => None,
        // Some servers close every path with a slash.
        (None, _) => Signature::parse(path.strip_suffix('/').unwrap_or(path).rsplit('/').next()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback_url::{CallbackUrlOptions, SignaturePlace, sign};
    use crate::error::ErrorKind;

    const BODY: &[u8] = br#"{"idEntity": "TST-223344"}"#;
    const NEVER: Option<i64> = None;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn keys(letters: &str) -> Vec<CallbackKey> {
        letters.chars().map(|letter| CallbackKey::new(letter.to_string().repeat(32))).collect()
    }

    fn url(base: &str, place: SignaturePlace, expires: Option<i64>) -> String {
        let options = CallbackUrlOptions { expires_at: expires.map(at), place };
        sign(&keys("a"), base, &PayoutId::new("TST-223344").unwrap(), &options, at(1000)).unwrap()
    }

    /// How reading ends: the payout's id, or the part at fault.
    fn ends(letters: &str, body: &[u8], url: &str, now: i64) -> Result<String, String> {
        match check(&keys(letters), body, url, at(now)) {
            Ok(callback) => {
                assert_eq!(callback.verified, !letters.is_empty());
                Ok(callback.payout_id.as_str().to_owned())
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidCallback, "{error}");
                Err(error.field().unwrap().to_owned())
            }
        }
    }

    fn refused(part: &str) -> Result<String, String> {
        Err(part.to_owned())
    }

    #[test]
    fn a_signed_url_is_read_whatever_proxies_did_to_its_host_and_path() {
        for (place, base) in [
            (SignaturePlace::Path, "https://shop.example/hook"),
            (SignaturePlace::Query, "https://shop.example/hook"),
            (SignaturePlace::Query, "https://shop.example/hook?a=b"),
        ] {
            let signed = url(base, place, NEVER);
            let tail = signed.strip_prefix("https://shop.example/hook").unwrap();
            for seen in [
                signed.clone(),
                format!("http://10.0.0.7:8080/hook{tail}"),
                format!("/internal/other{tail}"),
                format!("/hook{tail}#top"),
                tail.to_owned(),
            ] {
                assert_eq!(ends("a", BODY, &seen, 2000), Ok("TST-223344".to_owned()), "{seen}");
            }
        }
        let signed = url("https://shop.example/hook", SignaturePlace::Path, NEVER);
        assert!(ends("a", BODY, &format!("{signed}/"), 2000).is_ok());
        assert!(ends("a", BODY, &format!("{signed}?utm=1"), 2000).is_ok());
        let signed = url("https://shop.example/hook", SignaturePlace::Query, NEVER).replace('.', "%2E");
        assert!(ends("a", BODY, &signed.replace("shop%2Eexample", "shop.example"), 2000).is_ok());
    }

    #[test]
    fn what_was_not_signed_for_this_payout_is_refused() {
        let signed = url("https://shop.example/hook", SignaturePlace::Query, NEVER);
        let (front, token) = signed.split_once('=').unwrap();
        let mut flipped = token.to_owned();
        flipped.replace_range(4..5, if token[4..5] == *"A" { "B" } else { "A" });
        for (body, url) in [
            (&br#"{"idEntity": "TST-223345"}"#[..], signed.clone()),
            (br#"{"idEntity": "TST-22334"}"#, signed.clone()),
            (BODY, format!("{front}={flipped}")),
            (BODY, format!("{front}={}", token.replacen("1.0.", "1.9999999999.", 1))),
            (BODY, format!("{front}={}", token.replacen("1.0.", "2.0.", 1))),
            (BODY, format!("{front}=")),
            (BODY, format!("{front}={token}&komopay={token}")),
            (BODY, format!("/hook/{token}?komopay=")),
            (BODY, "https://shop.example/hook".to_owned()),
            (BODY, String::new()),
            (BODY, "/////".to_owned()),
            (BODY, "%%%?&&&=#".to_owned()),
        ] {
            assert_eq!(ends("a", body, &url, 2000), refused("signature"), "{url}");
        }
        assert_eq!(ends("a", BODY, &"x".repeat(9000), 2000), refused("url"));
    }

    #[test]
    fn keys_are_rotated_without_losing_a_callback() {
        let signed = url("https://shop.example/hook", SignaturePlace::Path, NEVER);
        for (letters, fits) in [("a", true), ("ba", true), ("bcda", true), ("b", false), ("bcd", false)] {
            assert_eq!(ends(letters, BODY, &signed, 2000).is_ok(), fits, "{letters}");
        }
    }

    #[test]
    fn an_expired_url_is_refused_from_its_second_on() {
        let signed = url("https://shop.example/hook", SignaturePlace::Path, Some(5000));
        for (now, end) in [(1000, Ok(())), (4999, Ok(())), (5000, Err("expires_at")), (9000, Err("expires_at"))] {
            assert_eq!(
                ends("a", BODY, &signed, now).map(|_| ()).map_err(|part| part == "expires_at"),
                end.map_err(|_| true)
            );
        }
        // Who forged it does not learn whether it would have ended.
        assert_eq!(ends("a", br#"{"idEntity": "B"}"#, &signed, 9000), refused("signature"));
    }

    #[test]
    fn a_body_is_one_object_with_one_id() {
        let long = format!(r#"{{"idEntity": "{}"}}"#, "x".repeat(251));
        let deep = format!(r#"{{"a": {}{}, "idEntity": "A"}}"#, "[".repeat(1000), "]".repeat(1000));
        for body in [
            &b""[..],
            b"{}",
            b"null",
            b"[\"A\"]",
            b"\"A\"",
            br#"{"idEntity": null}"#,
            br#"{"idEntity": 7}"#,
            br#"{"idEntity": ""}"#,
            br#"{"idEntity": "A/../B"}"#,
            br#"{"identity": "A"}"#,
            br#"{"idEntity": "A", "idEntity": "A"}"#,
            br#"{"idEntity": "A", "idEntity": "B"}"#,
            br#"{"idEntity": "A"} {"idEntity": "B"}"#,
            br#"{"idEntity": "A""#,
            b"\xef\xbb\xbf{\"idEntity\": \"A\"}",
            b"{\"idEntity\": \"\xff\"}",
            b"idEntity=A",
            long.as_bytes(),
        ] {
            assert_eq!(ends("", body, "", 0), refused("body"), "{}", String::from_utf8_lossy(body));
        }
        for body in [
            &br#"{"idEntity":"A"}"#[..],
            br#"  {"new": {"idEntity": "B"}, "idEntity": "A", "status": "SUCCESS"}  "#,
            br#"{"idEntity": "\u0041"}"#,
            deep.as_bytes(),
        ] {
            assert_eq!(ends("", body, "", 0), Ok("A".to_owned()));
        }
    }

    #[test]
    fn a_body_that_is_too_large_is_not_looked_at() {
        let body = |length: usize| {
            let mut body = br#"{"idEntity": "A"}"#.to_vec();
            body.resize(length, b' ');
            body
        };
        assert_eq!(ends("", &body(64 * 1024), "", 0), Ok("A".to_owned()));
        assert_eq!(ends("", &body(64 * 1024 + 1), "", 0), refused("body_size"));
        assert_eq!(ends("a", &vec![b'x'; 10_000_000], "", 0), refused("body_size"));
    }
}
