//! What the calls of `client.with_options(...)` do differently.

use std::sync::{Arc, Mutex};

use komopay_core::{CallOptions, Client};
use pyo3::prelude::*;

use crate::error::raise;
use crate::live::Live;
use crate::process::{generation, locked};

/// Options over those of before, and the core's client with all of them, of the process that made it.
pub struct Options {
    before: Option<Arc<Self>>,
    given: CallOptions,
    made: Mutex<Option<(u64, Client)>>,
}

impl Options {
    pub fn new(py: Python<'_>, before: Option<Arc<Self>>, given: CallOptions, live: &Live) -> PyResult<Arc<Self>> {
        let options = Arc::new(Self { before, given, made: Mutex::new(None) });
        options.of(py, live)?;
        Ok(options)
    }

    /// The core's client of this process with these options. In a forked child, the first call makes it.
    pub fn of(&self, py: Python<'_>, live: &Live) -> PyResult<Client> {
        if let Some((made_in, client)) = &*locked(py, &self.made)
            && *made_in == generation()
        {
            return Ok(client.clone());
        }
        let client = match &self.before {
            Some(before) => before.of(py, live)?,
            None => live.core(py)?,
        };
        let client = client.with_options(&self.given).map_err(|error| raise(py, &error))?;
        let before = locked(py, &self.made).replace((generation(), client.clone()));
        // What another thread of this process was faster to make, or the parent's, which is never dropped.
        std::mem::forget(before);
        Ok(client)
    }
}
