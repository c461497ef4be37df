//! The thread that takes things to Python: results and records of the log to event loops, questions to token
//! providers.
//!
//! The runtime's threads put a message into a queue and go on; only this thread waits for the GIL. All results that are
//! ready when it has the GIL go to their loop in one wake-up, since waking a loop is what costs. It runs no code of the
//! caller: a provider gets a thread of its own.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use komopay_core::ErrorKind;

use crate::error::raise_kind;
use crate::process::{Own, attached, locked};
use crate::settlement::{self, Settlement};

/// What is to be taken to Python.
pub enum Message {
    /// A call of an event loop has ended.
    Settle(Settlement),
    /// Something else is to be done there: a token is needed, or the log has something about a call of an event loop.
    Do(Box<dyn FnOnce(Python<'_>) + Send>),
}

struct Queue {
    messages: VecDeque<Message>,
    /// Whether the thread runs. It is started by the first call that needs it.
    has_thread: bool,
}

/// What waits for the thread, and how it is woken.
struct Line {
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl Line {
    const fn new() -> Self {
        Self { queue: Mutex::new(Queue { messages: VecDeque::new(), has_thread: false }), filled: Condvar::new() }
    }

    /// The queue. No thread waits for the GIL while it holds this lock, and with the GIL it is [`locked`].
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In a forked child the messages are the parent's, whose runtime waits for them.
static LINE: Own<Line> = Own::new(Line::new(), Line::new);

fn start_thread(queue: &mut Queue) -> std::io::Result<()> {
    if !queue.has_thread {
        std::thread::Builder::new().name("komopay-messenger".to_owned()).spawn(run)?;
        queue.has_thread = true;
    }
    Ok(())
}

/// Starts the thread, without which nobody would hear how a call of an event loop ended.
pub fn start(py: Python<'_>) -> PyResult<()> {
    let started = start_thread(&mut locked(py, &LINE.get().queue));
    started.map_err(|error| {
        let text = format!("the background threads could not be started: {error}");
        raise_kind(py, ErrorKind::Internal, &text, None)
    })
}

/// Hands a message to the thread.
pub fn send(message: Message) {
    let line = LINE.get();
    let mut queue = line.queue();
    queue.messages.push_back(message);
    // If no thread can be had, the next message tries again.
    let _ = start_thread(&mut queue);
    line.filled.notify_one();
}

fn run() {
    let line = LINE.get();
    loop {
        let waiting = line.filled.wait_while(line.queue(), |queue| queue.messages.is_empty());
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
        let alive = attached(|py| {
            // Only now: what has come while this thread waited for the GIL goes along.
            let messages = std::mem::take(&mut locked(py, &line.queue).messages);
            let mut settled = Vec::new();
            for message in messages {
                match message {
                    Message::Settle(settlement) => settled.push(settlement),
                    Message::Do(work) => work(py),
                }
            }
            settlement::settle(py, settled);
        });
        if alive.is_none() {
            return;
        }
    }
}
