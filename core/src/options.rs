//! What some calls of a client do differently: their time, and headers of the caller's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::LONGEST_TOTAL;
use crate::error::{Error, Result};

/// What the calls of [`Client::with_options`](crate::Client::with_options) do differently. What is not given stays as
/// it is.
///
/// ```
/// use std::time::Duration;
/// use komopay_core::{CallOptions, Client, Config, Credentials, SANDBOX_URL};
///
/// let client = Client::new(Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET")))?;
/// let mut options = CallOptions::default();
/// options.total_timeout = Some(Duration::from_secs(10));
/// options.headers = vec![("X-Job".to_owned(), "payroll-7".to_owned())];
/// let hurried = client.with_options(&options)?;
///
/// options.headers = vec![("Host".to_owned(), "elsewhere".to_owned())];
/// assert_eq!(client.with_options(&options).unwrap_err().field(), Some("headers"));
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// The deadline of a whole call: 1 ms to 365 days. One request has `attempt_timeout` of it, and at most half.
    pub total_timeout: Option<Duration>,
    /// Headers for each request of a call, its token call included, besides those of before; one of the same name
    /// replaces that. A call that joins another one's request has the headers of that. None may be a header of HTTP's
    /// own framing or of this SDK: `Host`, `Content-Length`, `Authorization`, `Id-Customer`, and so on.
    pub headers: Vec<(String, String)>,
}

/// Without the headers' values, which may be secret.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("CallOptions").field("total_timeout", &self.total_timeout).field("headers", &names).finish()
    }
}

/// The headers that say how a message is framed, where it goes, or what this SDK is and asks for.
const OURS: [&str; 17] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "id-customer",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-api-version",
];

/// How many headers a caller may add, and how many bytes they may have: servers take 8 KiB as a rule, tokens included.
const MOST_HEADERS: usize = 32;
const MOST_BYTES: usize = 4096;

impl CallOptions {
    /// The headers of before, with these.
    pub(crate) fn headers(&self, before: Option<&Arc<HeaderMap>>) -> Result<Option<Arc<HeaderMap>>> {
        if self.headers.is_empty() {
            return Ok(before.cloned());
        }
        let mut headers = before.map(|headers| HeaderMap::clone(headers)).unwrap_or_default();
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if headers.len() > MOST_HEADERS || bytes > MOST_BYTES {
            let problem = format!("are more than {MOST_HEADERS}, or than {MOST_BYTES} bytes together");
            return Err(Error::setting("headers", problem));
        }
        Ok(Some(Arc::new(headers)))
    }
}

/// A header that may be sent. A value is never repeated in an error: it may be secret.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let refuse = |problem: String| Err(Error::setting("headers", problem));
    let Ok(parsed) = HeaderName::try_from(name) else {
        return refuse("has a name that is none of HTTP's: give a token such as X-Job".to_owned());
    };
    let lower = parsed.as_str();
    if OURS.contains(&lower) || lower.starts_with("proxy-") {
        return refuse(format!("must not hold {lower}: it is HTTP's own or this SDK's; leave it out"));
    }
    match HeaderValue::try_from(value) {
        Ok(mut value) if value.to_str().is_ok() => {
            value.set_sensitive(true);
            Ok((parsed, value))
        }
        _ => refuse(format!("has a value of {lower} that cannot be sent: give visible ASCII characters and blanks")),
    }
}

/// A time that a whole call may have.
pub(crate) fn check_total(total: Duration) -> Result<Duration, &'static str> {
    match total {
        _ if total < Duration::from_millis(1) => Err("must be at least 1 ms"),
        _ if total > LONGEST_TOTAL => Err("must be at most 365 days"),
        _ => Ok(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &str)]) -> Result<Option<Arc<HeaderMap>>> {
        let headers = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        CallOptions { headers, ..CallOptions::default() }.headers(None)
    }

    #[test]
    fn what_frames_a_message_or_is_ours_is_refused_by_its_name() {
        let others = ["HOST", "Proxy-Authorization", "proxy-connection", "TE", "", "a b", "a\n", "é", "X-Job:"];
        for name in OURS.iter().chain(&others) {
            let error = headers(&[("X-Job", "7"), (name, "canary")]).unwrap_err();
            assert_eq!(error.field(), Some("headers"), "{name}");
            assert!(!error.message().contains("canary"), "{error}");
        }
        for value in ["a\r\nHost: b", "a\0", "é", "\u{7f}"] {
            assert_eq!(headers(&[("X-Job", value)]).unwrap_err().field(), Some("headers"), "{value:?}");
        }
        assert!(headers(&[("X-Job", &"x".repeat(4096))]).is_err());
        assert!(headers(&[("X-Job", "payroll 7"), ("traceparent", "00-0-0-01"), ("x-job", "")]).is_ok());
    }

    #[test]
    fn options_show_no_value_of_a_header() {
        let options =
            CallOptions { headers: vec![("X-Key".to_owned(), "canary".to_owned())], ..CallOptions::default() };
        let shown = format!("{options:?}");
        assert!(shown.contains("X-Key") && !shown.contains("canary"), "{shown}");
    }
}
