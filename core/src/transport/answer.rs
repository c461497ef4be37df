//! An answer of the platform, and the error it means where a call has no better use for it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Reason};
use crate::mask::scrub;
use crate::read::object;

/// A whole answer: status, the few headers that matter, and the body.
pub(crate) struct Answer {
    pub status: u16,
    /// When the platform says it answered (`Date`).
    pub date: Option<Timestamp>,
    /// How long the platform asks to wait (`Retry-After`, in seconds or as a date).
    pub retry_after: Option<Duration>,
    /// The platform's request id, if it sends one.
    pub request_id: Option<String>,
    pub body: Bytes,
}

impl Answer {
    /// The entries of a 406 answer; `None` if this is not one that can be believed.
    pub fn reasons(&self, secrets: &[&str]) -> Option<Vec<Reason>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry {
            code: String,
            attr_code: Option<Box<RawValue>>,
            description: Option<Box<RawValue>>,
        }
        let text = |raw: Option<Box<RawValue>>| {
            raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()).map(|text| scrub(&text, secrets))
        };
        if self.status != 406 {
            return None;
        }
        // A code is decided by, so no payee's short name may change it; a number or a token has no place in it.
        let numbers: Vec<&str> =
            secrets.iter().copied().filter(|secret| secret.contains(|c: char| c.is_ascii_digit())).collect();
        let entries: Vec<&RawValue> = serde_json::from_slice(&self.body).ok()?;
        let reasons = entries.into_iter().map(|entry| {
            let entry: Entry = object(entry.get()).ok()?;
            Some(Reason {
                code: scrub(&entry.code, &numbers),
                field: text(entry.attr_code),
                description: text(entry.description),
            })
        });
        reasons.collect()
    }

    /// The error that this answer means to a read or to a token call. `secrets` must not enter it.
    pub fn to_error(&self, secrets: &[&str]) -> Error {
        let reasons = self.reasons(secrets);
        let kind = match self.status {
            400 => ErrorKind::InvalidRequest,
            401 => ErrorKind::Authentication,
            403 => ErrorKind::PermissionDenied,
            404 | 410 => ErrorKind::NotFound,
            406 if reasons.is_some() => ErrorKind::Rejected,
            409 => ErrorKind::DuplicatePayout,
            429 => ErrorKind::RateLimited,
            500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::UnexpectedResponse,
        };
        let reasons = reasons.unwrap_or_default();
        let mut error = Error::new(kind, self.describe(&reasons, secrets))
            .with_status(self.status)
            .with_retry_after(self.retry_after)
            .answered();
        if let Some(field) = reasons.iter().find_map(|reason| reason.field.as_deref()) {
            error = error.with_field(field);
        }
        error.with_reasons(reasons)
    }

    fn describe(&self, reasons: &[Reason], secrets: &[&str]) -> String {
        #[derive(Deserialize)]
        struct Basic {
            description: Option<String>,
        }
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        if !codes.is_empty() {
            return format!("the platform refused it: {}", codes.join(", "));
        }
        let said = serde_json::from_slice::<Basic>(&self.body)
            .ok()
            .and_then(|basic| basic.description)
            .map(|text| format!(": {}", scrub(&text, secrets)))
            .unwrap_or_default();
        format!("the platform answered {}{said}", self.status)
    }
}

/// Reads `Date`.
pub(crate) fn date(header: Option<&str>) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(header?).ok()?;
    Timestamp::try_from(date).ok()
}

/// A year: whoever asks for more asks for ever, and no language's own durations overflow.
const FOR_EVER: Duration = Duration::from_hours(365 * 24);

/// Reads `Retry-After`, which is a number of seconds or a date.
pub(crate) fn retry_after(header: Option<&str>, now: SystemTime) -> Option<Duration> {
    let header = header?.trim();
    let asked = match header.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(header).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(asked.min(FOR_EVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer { status, date: None, retry_after: None, request_id: None, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn a_406_tells_its_codes_and_its_field() {
        let body = r#"[{"code":"BALANCE_INSUFFICIENT"},{"code":"NEW_RULE","attrCode":"a.b","description":7,"more":1}]"#;
        let error = answer(406, body).to_error(&[]);
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert_eq!(error.reasons().len(), 2);
        assert_eq!(error.reasons()[1].code, "NEW_RULE");
        assert_eq!(error.field(), Some("a.b"));
        assert_eq!(error.message(), "the platform refused it: BALANCE_INSUFFICIENT, NEW_RULE");
    }

    #[test]
    fn a_406_that_is_no_array_of_codes_is_not_believed() {
        for body in ["", "{}", "[{}]", "null", "[1]", r#"[["X"]]"#, "<html>"] {
            assert!(answer(406, body).reasons(&[]).is_none(), "{body}");
            assert_eq!(answer(406, body).to_error(&[]).kind(), ErrorKind::UnexpectedResponse);
        }
        assert_eq!(answer(406, "[]").reasons(&[]), Some(Vec::new()));
    }

    #[test]
    fn a_text_that_echoes_a_secret_is_scrubbed() {
        let error = answer(400, r#"{"description":"account 11223344 is odd"}"#).to_error(&["11223344"]);
        assert_eq!(error.message(), "the platform answered 400: account [hidden] is odd");
        let error = answer(406, r#"[{"code":"X","description":"no 11223344"}]"#).to_error(&["11223344"]);
        assert_eq!(error.reasons()[0].description.as_deref(), Some("no [hidden]"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(Some("7"), now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:49:47 GMT"), now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:49:27 GMT"), now), Some(Duration::ZERO));
        assert_eq!(retry_after(Some("18446744073709551615"), now), Some(FOR_EVER));
        assert_eq!(retry_after(Some("soon"), now), None);
        assert_eq!(retry_after(None, now), None);
    }
}
