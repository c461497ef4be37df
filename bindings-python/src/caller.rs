//! Who makes a call: a thread that blocks until it has ended, or the running event loop, which goes on.

use std::future::Future;

use komopay_core::{Client, Error, PayoutId};
use pyo3::prelude::*;

use crate::answer::{Answered, ToPython};
use crate::error::raise;
use crate::live::Live;
use crate::{asynchronous, messenger, runtime, wait};

/// Who makes a call, and what it is given: the value of the answer, or a call that was started.
#[derive(Clone, Copy)]
pub enum Caller {
    Blocks,
    EventLoop,
}

impl Caller {
    /// Starts what a call needs in this process: without it, nothing can be sent.
    pub fn ready(self, py: Python<'_>, live: &Live) -> PyResult<()> {
        live.core(py)?;
        runtime::get(py)?;
        match self {
            Self::Blocks => Ok(()),
            Self::EventLoop => messenger::start(py),
        }
    }

    /// Makes a call; of this id, if it is a create.
    pub fn call<T, F>(
        self,
        py: Python<'_>,
        live: &Live,
        create: Option<PayoutId>,
        call: impl FnOnce(Client) -> F,
    ) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let made = match self {
            Self::Blocks => {
                let call = call(live.core(py)?);
                let answer = wait::wait_as(py, call, create.as_ref())?;
                answer.map_err(|error| raise(py, &error))?.to_python(py)?
            }
            Self::EventLoop => Py::new(py, asynchronous::start(py, live, create, call)?)?.into_any(),
        };
        Ok(Answered::new(made))
    }
}
