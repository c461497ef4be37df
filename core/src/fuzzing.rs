//! Thin doors to the parsers of outside input, which are private otherwise.
//!
//! The fuzz targets of this project are a crate of their own, so that nothing of the fuzzer is built with the SDK. They
//! open these doors with the feature `fuzzing`. Nobody else should: what is here changes without notice.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;

use crate::auth::{Claims, read_token};
use crate::catalogue::{Balance, Entry, MerchantInfo, PaymentOperator, PaymentOption, PayoutOption, entries};
use crate::error::Error;
use crate::scrub::Scrubber;
use crate::transport::{self, Answer};
use crate::values::{Payout, PayoutAccepted, PayoutId};

/// The answer to a create.
#[must_use]
pub fn payout_accepted(id: &PayoutId, body: &[u8]) -> Option<PayoutAccepted> {
    PayoutAccepted::parse(id, body).ok().map(|(accepted, _)| accepted)
}

/// The answer to a read.
#[must_use]
pub fn payout(id: &PayoutId, body: &[u8]) -> Option<Payout> {
    Payout::parse(id, body).ok().map(|(payout, _)| payout)
}

/// The error that an answer of this status means.
#[must_use]
pub fn error(status: u16, body: &[u8], secrets: &[&str]) -> Error {
    Answer { texts: Scrubber::of(secrets, &[]), ..answer(status, body) }.to_error()
}

/// A text of an answer to a request that had these texts in it: about a payout with this id, or with a known account.
#[must_use]
pub fn scrubbed(text: &str, credentials: &[&str], personal: &[&str], id: Option<&str>) -> Scrubbed {
    let read = Scrubber::of(credentials, personal).sparing(id);
    let create = read.clone().knowing_the_account();
    Scrubbed {
        of_a_read: read.text(text),
        of_a_create: create.text(text),
        code: create.code(text),
        attribute: create.attribute(text),
        request_id: read.request_id(text),
    }
}

/// A text as it is shown where it stands.
pub struct Scrubbed {
    /// For people, in the answer to a read.
    pub of_a_read: String,
    /// For people, in the answer to a create.
    pub of_a_create: String,
    /// As a code.
    pub code: String,
    /// As the name of an attribute.
    pub attribute: String,
    /// As a request id.
    pub request_id: String,
}

/// `Retry-After`.
#[must_use]
pub fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    transport::retry_after(Some(header), now)
}

/// `Date`.
#[must_use]
pub fn date(header: &str) -> Option<Timestamp> {
    transport::date(Some(header))
}

/// Whether the answer to a token call holds a token.
#[must_use]
pub fn has_token(body: &[u8]) -> bool {
    read_token(body).is_some()
}

/// What a token says of itself: its lifetime, its end, and whether it surely forbids an operation.
#[must_use]
pub fn claims(token: &str, operation: &str) -> Option<(Option<Duration>, Option<Timestamp>, bool)> {
    let claims = Claims::of(token)?;
    let forbidden = claims.forbids(&[operation.to_owned()]).is_some();
    Some((claims.lifetime(), claims.expires_at(), forbidden))
}

/// A list of codes: currencies, segments, methods.
#[must_use]
pub fn codes(body: &[u8]) -> Option<Vec<String>> {
    list(body)
}

/// Balances.
#[must_use]
pub fn balances(body: &[u8]) -> Option<Vec<Balance>> {
    list(body)
}

/// Payment operators.
#[must_use]
pub fn payment_operators(body: &[u8]) -> Option<Vec<PaymentOperator>> {
    list(body)
}

/// Payment options.
#[must_use]
pub fn payment_options(body: &[u8]) -> Option<Vec<PaymentOption>> {
    list(body)
}

/// Payout options.
#[must_use]
pub fn payout_options(body: &[u8]) -> Option<Vec<PayoutOption>> {
    list(body)
}

/// The merchant's data.
#[must_use]
pub fn merchant_info(body: &[u8]) -> Option<MerchantInfo> {
    MerchantInfo::parse(std::str::from_utf8(body).ok()?).ok()
}

fn list<T: Entry>(body: &[u8]) -> Option<Vec<T>> {
    entries(&answer(200, body)).ok()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    let (body, texts) = (Bytes::copy_from_slice(body), Scrubber::default());
    Answer { status, date: None, retry_after: None, request_id: None, is_first: true, body, texts }
}
