//! Tokens that a function of the caller's provides.

use std::sync::{Arc, Mutex, PoisonError};

use komopay_core::TokenProvider;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokio::sync::oneshot;

use crate::messenger::{self, Message};

/// What became of a question: a token, or the name of what was raised.
type Answer = Result<String, String>;

/// A provider is asked for a token.
struct Question {
    provider: Arc<Py<PyAny>>,
    answer: oneshot::Sender<Answer>,
}

/// The core's provider that calls this function.
pub fn provider(function: Py<PyAny>) -> TokenProvider {
    let function = Arc::new(function);
    TokenProvider::new(move || {
        let (answer, answered) = oneshot::channel();
        let question = Question { provider: Arc::clone(&function), answer };
        messenger::send(Message::Do(Box::new(move |py| ask(py, question))));
        async move { answered.await.unwrap_or_else(|_| Err("it ended without a token".to_owned())) }
    })
}

/// Starts a Python thread that calls the provider. Whatever it does there, it holds up nobody else; and no Rust frame
/// is below it when the interpreter ends.
fn ask(py: Python<'_>, question: Question) {
    let Question { provider, answer } = question;
    let reply = TokenReply { answer: Mutex::new(Some(answer)) };
    if let Err(error) = start(py, &provider, reply) {
        // The interpreter ends, or there are no more threads. The reply went with it, so the call knows.
        tracing::warn!(target: "komopay", "no thread for the token provider could be started: {}", error.get_type(py));
    }
}

fn start(py: Python<'_>, provider: &Py<PyAny>, reply: TokenReply) -> PyResult<()> {
    py.import("komopay._provider")?.getattr("start")?.call1((provider, reply)).map(drop)
}

/// Where the answer of a token provider goes.
#[pyclass(frozen, name = "_TokenReply", module = "komopay._native")]
pub struct TokenReply {
    answer: Mutex<Option<oneshot::Sender<Answer>>>,
}

#[pymethods]
impl TokenReply {
    /// The provider gave this.
    #[pyo3(signature = (token: "object"))]
    fn give(&self, token: &Bound<'_, PyAny>) {
        let answer = match token.cast::<PyString>().ok().and_then(|token| token.extract::<String>().ok()) {
            Some(token) => Ok(token),
            None => Err("TypeError".to_owned()),
        };
        self.send(answer);
    }

    /// The provider raised an exception of this type. Its text may hold anything, so it does not come along.
    fn fail(&self, type_name: String) {
        self.send(Err(type_name));
    }
}

impl TokenReply {
    fn send(&self, answer: Answer) {
        if let Some(asker) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody waits any more after `attempt_timeout`.
            let _ = asker.send(answer);
        }
    }
}
