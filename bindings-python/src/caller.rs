//! Who makes a call: a thread that blocks until it has ended, or the running event loop, which goes on.

use std::future::Future;

use komopay_bindings_common::Driver;
use komopay_core::{Error, PayoutId};
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::answer::{Answered, ToPython};
use crate::error::raise;
use crate::telemetry::Told;
use crate::wait::Attend;
use crate::{asynchronous, messenger, runtime, wait};

/// What a call needs in this process, started.
pub enum Started {
    Blocks(Driver),
    EventLoop(&'static Runtime),
}

/// Who makes a call, and what it is given: the value of the answer, or a call that was started.
#[derive(Clone, Copy)]
pub enum Caller {
    Blocks,
    EventLoop,
}

impl Caller {
    /// Starts what a call needs in this process: without it, nothing can be sent.
    pub fn start(self, py: Python<'_>) -> PyResult<Started> {
        match self {
            Self::Blocks => runtime::driver(py).map(Started::Blocks),
            Self::EventLoop => {
                messenger::start(py)?;
                runtime::threads(py).map(Started::EventLoop)
            }
        }
    }
}

impl Started {
    /// Makes a call that needs something of the thread that waits for it. On an event loop, nobody is blocked who could
    /// be needed.
    pub fn call_attending<T, F>(self, py: Python<'_>, attending: &impl Attend, call: F) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match self {
            Self::Blocks(driver) => {
                let answer = wait::wait_attending(py, driver, call, None, &Told::nobody(), attending)?;
                Ok(Answered::new(answer.map_err(|error| raise(py, &error))?.to_python(py)?))
            }
            Self::EventLoop(_) => self.call(py, None, Told::nobody(), call),
        }
    }

    /// Makes a call that is told of; of this id, if it is a create.
    pub fn call<T, F>(self, py: Python<'_>, create: Option<PayoutId>, told: Told, call: F) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let made = match self {
            Self::Blocks(driver) => {
                let answer = wait::wait_as(py, driver, call, create.as_ref(), &told)?;
                answer.map_err(|error| raise(py, &error))?.to_python(py)?
            }
            Self::EventLoop(runtime) => Py::new(py, asynchronous::start(py, runtime, create, told, call)?)?.into_any(),
        };
        Ok(Answered::new(made))
    }
}
