//! A call of the merchant API as the history has it: the request when it has come, and how it was answered.

use http::{HeaderMap, Method, Uri};
use serde_json::json;

use crate::history::History;
use crate::history::mask::{Hidden, target};
use crate::http::answer::Answer;

pub(crate) use crate::history::mask::origin;

/// A request that is in the history and has no answer there yet.
pub(crate) struct Asked {
    number: u64,
    payout_id: Option<String>,
    hidden: Hidden,
}

impl History {
    /// Keeps a request. `body` is `None` if nobody read it.
    pub(crate) fn request(
        &self,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        body: Option<&[u8]>,
        payout_id: Option<&str>,
    ) -> Asked {
        let mut hidden = Hidden::default();
        let payout_id = payout_id.map(str::to_owned);
        if !self.is_kept() {
            return Asked { number: 0, payout_id, hidden };
        }
        let (target, headers) = (target(uri), hidden.headers(headers));
        let body = body.map_or_else(|| json!("(not read)"), |body| hidden.body(body));
        let what = json!({"method": method.as_str(), "target": target, "headers": headers, "body": body});
        let number = self.note("request", payout_id.as_deref(), what);
        Asked { number, payout_id, hidden }
    }

    /// Keeps what went out, and the fault that had a hand in it.
    pub(crate) fn answer(&self, asked: Asked, answer: &Answer, fault: Option<&str>) {
        if !self.is_kept() {
            return;
        }
        let Asked { number, payout_id, mut hidden } = asked;
        let (status, body) = (answer.is_sent().then(|| answer.status.as_u16()), hidden.body(&answer.body));
        let what = json!({"request": number, "status": status, "body": body, "fault": fault});
        self.note("answer", payout_id.as_deref(), what);
    }
}
