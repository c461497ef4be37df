//! Reading a callback: what the body says, held against what the URL was signed for.

use jiff::Timestamp;
use serde::Deserialize;
use url::form_urlencoded;

use super::key::{CallbackKey, Signature};
use super::url::PARAMETER;
use crate::error::{Error, Result};
use crate::payouts::PayoutId;
use crate::read::object;

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

/// The body (contract: `StatusChangeCallback`). A field that is given twice is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallbackWire {
    id_entity: String,
}

/// Reads a callback. Without keys, nothing of the URL is looked at.
pub(crate) fn read(keys: &[CallbackKey], body: &[u8], url: &str, now: Timestamp) -> Result<Callback> {
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
    let text = std::str::from_utf8(body).map_err(|_| refuse("it is not UTF-8"))?;
    let wire: CallbackWire = object(text).map_err(|unreadable| refuse(&unreadable.0))?;
    PayoutId::new(wire.id_entity).map_err(|_| refuse("idEntity is no id of a payout"))
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
