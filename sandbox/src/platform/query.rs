//! Reading the query of a call.

use axum::extract::Query as Pairs;
use http::Uri;

use crate::platform::fields::Violation;

/// The parameters of a query, decoded.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        // Every text is a list of pairs.
        Self(Pairs::try_from_uri(uri).map(|Pairs(pairs)| pairs).unwrap_or_default())
    }

    /// One parameter; more than one of the same name is a violation.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Violation> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Violation(format!("{name} must be given only once")));
        }
        Ok(first)
    }

    /// The elements of a comma-separated parameter; `None` if it is missing or empty.
    pub(crate) fn codes(&self, name: &str) -> Result<Option<Vec<&str>>, Violation> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(|text| text.split(',').collect()))
    }
}
