//! The requests of a call, as its result or its error tells them.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// One request on the wire, as the history of a call tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The method and path, such as `POST /payouts/TST-223344`.
    pub operation: String,
    /// When it started, by the wall clock.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The HTTP status, if an answer came.
    pub http_status: Option<u16>,
    /// The platform's request id, if the answer carried one.
    pub request_id: Option<String>,
}

/// The requests of the call that brought a value. They are how it was learned and no part of what it is: values are
/// equal whatever it took to read them.
///
/// ```
/// use komopay_core::Attempts;
///
/// let none = Attempts::default();
/// assert!(none.is_empty() && none.iter().all(|attempt| attempt.request_id.is_some()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<[Attempt]>);

impl From<Vec<Attempt>> for Attempts {
    fn from(attempts: Vec<Attempt>) -> Self {
        Self(attempts.into())
    }
}

impl Deref for Attempts {
    type Target = [Attempt];

    fn deref(&self) -> &[Attempt] {
        &self.0
    }
}

impl PartialEq for Attempts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Attempts {}

impl Hash for Attempts {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
