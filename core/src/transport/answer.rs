//! An answer of the platform, and the error it means where a call has no better use for it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Reason};
use crate::json::object;
use crate::scrub::Scrubber;

/// A whole answer: status, the few headers that matter, and the body.
pub(crate) struct Answer {
    pub status: u16,
    /// When the platform says it answered (`Date`).
    pub date: Option<Timestamp>,
    /// How long the platform asks to wait (`Retry-After`, in seconds or as a date).
    pub retry_after: Option<Duration>,
    /// The platform's request id, if it sends one.
    pub request_id: Option<String>,
    /// It is the first answer over its connection: no earlier exchange can be the one that it belongs to.
    pub is_first: bool,
    pub body: Bytes,
    /// What its texts must not show. Each of them passes through it before it enters an error.
    pub texts: Scrubber,
}

impl Answer {
    /// The entries of a 406 answer; `None` if this is not one that can be believed.
    pub fn reasons(&self) -> Option<Vec<Reason>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry<'a> {
            code: String,
            #[serde(borrow)]
            attr_code: Option<&'a RawValue>,
            #[serde(borrow)]
            description: Option<&'a RawValue>,
        }
        let text = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
        if self.status != 406 {
            return None;
        }
        let entries: Vec<&RawValue> = serde_json::from_slice(&self.body).ok()?;
        let reasons = entries.into_iter().map(|entry| {
            let entry: Entry<'_> = object(entry.get()).ok()?;
            Some(Reason {
                code: self.texts.code(&entry.code),
                field: text(entry.attr_code).map(|name| self.texts.attribute(&name)),
                description: text(entry.description).map(|text| self.texts.text(&text)),
            })
        });
        reasons.collect()
    }

    /// Whether its body is JSON of any kind.
    pub fn is_json(&self) -> bool {
        serde_json::from_slice::<&RawValue>(&self.body).is_ok()
    }

    /// The error that this answer means to a read or to a token call.
    pub fn to_error(&self) -> Error {
        let reasons = self.reasons();
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
        let mut error = Error::new(kind, self.describe(&reasons))
            .with_status(self.status)
            .with_retry_after(self.retry_after)
            .answered();
        if let Some(field) = reasons.iter().find_map(|reason| reason.field.as_deref()) {
            error = error.with_field(field);
        }
        error.with_reasons(reasons)
    }

    fn describe(&self, reasons: &[Reason]) -> String {
        #[derive(Deserialize)]
        struct Basic {
            description: Option<String>,
        }
        let codes: Vec<&str> = reasons.iter().take(10).map(|reason| reason.code.as_str()).collect();
        if !codes.is_empty() {
            return format!("the platform refused it: {}", codes.join(", "));
        }
        // The payout that has the id may be another's.
        let texts = if self.status == 409 { &self.texts.knowing_no_account() } else { &self.texts };
        let said = serde_json::from_slice::<Basic>(&self.body)
            .ok()
            .and_then(|basic| basic.description)
            .map(|text| format!(": {}", texts.text(&text)))
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
        Answer {
            status,
            date: None,
            retry_after: None,
            request_id: None,
            is_first: true,
            body: Bytes::from_static(body.as_bytes()),
            texts: Scrubber::default(),
        }
    }

    #[test]
    fn a_406_tells_its_codes_and_its_field() {
        let body = r#"[{"code":"BALANCE_INSUFFICIENT"},{"code":"NEW_RULE","attrCode":"a.b","description":7,"more":1}]"#;
        let error = answer(406, body).to_error();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert_eq!(error.reasons().len(), 2);
        assert_eq!(error.reasons()[1].code, "NEW_RULE");
        assert_eq!(error.field(), Some("a.b"));
        assert_eq!(error.message(), "the platform refused it: BALANCE_INSUFFICIENT, NEW_RULE");
    }

    #[test]
    fn a_406_that_is_no_array_of_codes_is_not_believed() {
        for body in ["", "{}", "[{}]", "null", "[1]", r#"[["X"]]"#, "<html>"] {
            assert!(answer(406, body).reasons().is_none(), "{body}");
            assert_eq!(answer(406, body).to_error().kind(), ErrorKind::UnexpectedResponse);
        }
        assert_eq!(answer(406, "[]").reasons(), Some(Vec::new()));
    }

    #[test]
    fn every_text_of_an_answer_is_scrubbed() {
        let known = |status, body| {
            let texts = Scrubber::of(&["s3cret-token"], &["0012-3344", "Operator"]).knowing_the_account();
            Answer { texts, ..answer(status, body) }.to_error()
        };
        let error = known(400, r#"{"description":"account 12 33.44 is odd\nat 55667788"}"#);
        assert_eq!(error.message(), "the platform answered 400: account [hidden] is odd at 55667788");
        let error = known(409, r#"{"description":"taken by account 5566-7788"}"#);
        assert_eq!(error.message(), "the platform answered 409: taken by account [hidden]");
        let body = r#"[{"code":"OF_123344","attrCode":"paymentMethod.paymentOperatorCode","description":"no OPERATOR"},
            {"code":"OPERATOR_ODD","attrCode":"payee.00123344","description":"S3CRET TOKEN"}]"#;
        let error = known(406, body);
        assert_eq!(error.field(), Some("paymentMethod.paymentOperatorCode"));
        let said = |reason: &Reason| [Some(reason.code.clone()), reason.field.clone(), reason.description.clone()];
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            error.reasons().iter().map(said).collect::<Vec<_>>(),
            [
                [some("OF_[hidden]"), some("paymentMethod.paymentOperatorCode"), some("no [hidden]")],
                [some("OPERATOR_ODD"), some("payee.[hidden]"), some("[hidden]")],
            ]
        );
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
