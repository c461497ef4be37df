//! A client with other options for its calls.

use std::collections::HashMap;
use std::sync::Arc;

use komopay_core::{CallOptions, ErrorKind};

use crate::client::NativeClient;
use crate::error::CallFailure;
use crate::scalar::Span;

#[uniffi::export]
impl NativeClient {
    /// This client with another deadline of a call, or with more headers. It shares everything with this one.
    pub fn with_options(
        &self,
        total_timeout: Option<Span>,
        headers: HashMap<String, String>,
    ) -> Result<Arc<Self>, CallFailure> {
        let mut options = CallOptions::default();
        let span = total_timeout.map(|span| span.duration("total_timeout", ErrorKind::Configuration));
        options.total_timeout = span.transpose()?;
        options.headers = headers.into_iter().collect();
        // Of several that are refused, always the same is named.
        options.headers.sort_unstable();
        let client = self.client.with_options(&options)?;
        Ok(Arc::new(Self { client, noted: Arc::clone(&self.noted) }))
    }
}
