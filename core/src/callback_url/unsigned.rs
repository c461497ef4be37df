//! A callback URL without its signature: what it is called by, whatever key signed it and however long it is valid.
//!
//! The signature is known by its form, which [`super::url`] writes: no key is needed.

use std::fmt;
use std::ops::Range;

use url::Url;

use super::key::Signature;
use super::url::PARAMETER;

/// A callback URL as it may be shown: its host and its path, without the signature, the query and a user.
///
/// Public for the bindings, whose values show themselves in their language's own way.
///
/// ```
/// let url = "https://shop.example/hook/1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ?a=b";
/// assert_eq!(komopay_core::ShownUrl(url).to_string(), "https://shop.example/hook/[hidden]?[hidden]");
/// ```
pub struct ShownUrl<'a>(pub &'a str);

impl fmt::Display for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(url) = Url::parse(self.0) else { return f.write_str("[hidden]") };
        let Some(host) = url.host_str() else { return f.write_str("[hidden]") };
        write!(f, "{}://{host}", url.scheme())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        for segment in url.path_segments().into_iter().flatten() {
            write!(f, "/{}", if looks_signed(segment) { "[hidden]" } else { segment })?;
        }
        if url.query().is_some_and(|query| !query.is_empty()) { f.write_str("?[hidden]") } else { Ok(()) }
    }
}

impl fmt::Debug for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// Whether it is a signature, perhaps of another form or one that was cut: better hidden once too often.
fn looks_signed(segment: &str) -> bool {
    let mut parts = segment.splitn(3, '.');
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some()
}

/// The URL without its signature, in one form wherever that stood; none, if it is not signed.
pub(crate) fn unsigned(url: &str) -> Option<String> {
    let mut signed = url.to_owned();
    signed.replace_range(place(url)?, "");
    let (path, query) = signed.split_once('?').unwrap_or((&signed, ""));
    // Signing in the path makes one of `/hook` and `/hook/`.
    let path = path.trim_end_matches('/');
    Some(if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
}

/// The signature in the URL.
pub(crate) fn signature(url: &str) -> Option<&str> {
    let place = url.get(place(url)?)?;
    place.trim_matches(['/', '&']).split('=').next_back()
}

/// Where the signature stands, with what parts it from the rest.
fn place(url: &str) -> Option<Range<usize>> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let (front, last) = path.rsplit_once('/')?;
    if Signature::parse(last).is_some() {
        return Some(front.len()..path.len());
    }
    let mut at = path.len() + 1;
    for parameter in query.split('&') {
        let end = at + parameter.len();
        let is_signed = parameter
            .split_once('=')
            .is_some_and(|(name, value)| name == PARAMETER && Signature::parse(value).is_some());
        if is_signed {
            // With the `&` before it, or behind it where it is the first.
            let start = if url.get(..at).is_some_and(|front| front.ends_with('&')) { at - 1 } else { at };
            let end = if start == at && end < url.len() { end + 1 } else { end };
            return Some(start..end);
        }
        at = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::callback_url::{CallbackKey, CallbackUrlOptions, SignaturePlace, sign};
    use crate::values::PayoutId;

    fn signed(key: &str, base: &str, place: SignaturePlace, expires_at: Option<i64>) -> String {
        let expires_at = expires_at.map(|time| Timestamp::from_second(time).unwrap());
        let options = CallbackUrlOptions { expires_at, place };
        let now = Timestamp::from_second(1000).unwrap();
        sign(&[CallbackKey::new(key.repeat(32))], base, &PayoutId::new("A").unwrap(), &options, now).unwrap()
    }

    #[test]
    fn a_url_has_one_form_without_its_signature() {
        for (base, bare) in [
            ("https://shop.example", "https://shop.example"),
            ("https://shop.example/", "https://shop.example"),
            ("https://shop.example/hook", "https://shop.example/hook"),
            ("https://shop.example/hook/", "https://shop.example/hook"),
            ("https://shop.example/hook?a=b&c=", "https://shop.example/hook?a=b&c="),
            ("https://shop.example/hook?", "https://shop.example/hook"),
            ("http://127.0.0.1:8080/h", "http://127.0.0.1:8080/h"),
        ] {
            for place in [SignaturePlace::Path, SignaturePlace::Query] {
                for (key, expires) in [("a", None), ("b", None), ("a", Some(2000)), ("b", Some(4_000_000_000))] {
                    let signed = signed(key, base, place, expires);
                    assert_eq!(unsigned(&signed).as_deref(), Some(bare), "{signed}");
                    let signature = signature(&signed).unwrap();
                    assert!(Signature::parse(signature).is_some() && signed.contains(signature), "{signature}");
                }
            }
        }
        for url in ["", "x", "/", "?", "https://shop.example/hook", "https://shop.example/1.0.x?komopay=1.0.y&"] {
            assert_eq!((unsigned(url), signature(url)), (None, None), "{url}");
        }
    }

    #[test]
    fn a_parameter_is_taken_out_wherever_it_stands() {
        let signed = signed("a", "https://a.example/h", SignaturePlace::Query, None);
        let (front, parameter) = signed.split_once('?').unwrap();
        for (query, bare) in [("{}", ""), ("{}&a=b", "?a=b"), ("a=b&{}&c=d", "?a=b&c=d"), ("a=b&{}", "?a=b")] {
            let url = format!("{front}?{}", query.replace("{}", parameter));
            assert_eq!(unsigned(&url).unwrap(), format!("https://a.example/h{bare}"), "{url}");
        }
    }

    #[test]
    fn what_is_shown_of_a_url_is_its_host_and_its_path() {
        for place in [SignaturePlace::Path, SignaturePlace::Query] {
            let url = signed("a", "https://shop.example:8443/hook?who=siti", place, None);
            let shown = format!("{} {:?}", ShownUrl(&url), ShownUrl(&url));
            assert!(shown.contains("https://shop.example:8443/hook"), "{shown}");
            assert!(!shown.contains(signature(&url).unwrap()) && !shown.contains("siti"), "{shown}");
            // Nor what is left of one that was cut.
            let cut = ShownUrl(url.get(..url.len() - 4).unwrap()).to_string();
            assert!(cut.ends_with("[hidden]"), "{cut}");
        }
        assert_eq!(ShownUrl("https://callback.example.com").to_string(), "https://callback.example.com/");
        assert_eq!(ShownUrl("https://user:pw@h.example/").to_string(), "https://h.example/");
        assert_eq!(ShownUrl("no URL").to_string(), "[hidden]");
        assert_eq!(ShownUrl("mailto:siti@h.example").to_string(), "[hidden]");
    }
}
