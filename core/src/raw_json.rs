//! The JSON of an answer, kept as it came.

use std::fmt;
use std::sync::Arc;

/// The JSON of an answer, as it came. `Debug` shows its length only, since the platform's texts are not ours.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(Arc<str>);

impl RawJson {
    pub(crate) fn new(json: &str) -> Self {
        Self(Arc::from(json))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}
