//! The thread that takes things to Python: results to event loops, questions to token providers.
//!
//! The runtime's threads put a message into a queue and go on; only this thread waits for the GIL. All results that are
//! ready when it has the GIL go to their loop in one wake-up, since waking a loop is what costs. It runs no code of the
//! caller: a provider gets a thread of its own.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::Python;

use crate::asynchronous::{self, Settlement};
use crate::process::{attached, locked};
use crate::token::{self, Question};

/// What is to be taken to Python.
pub enum Message {
    /// A call of an event loop has ended.
    Settle(Settlement),
    /// A token is needed.
    Ask(Question),
}

struct Queue {
    messages: VecDeque<Message>,
    /// Whether the thread runs. It is started by the first message.
    has_thread: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { messages: VecDeque::new(), has_thread: false });
static FILLED: Condvar = Condvar::new();

/// The queue. No thread but one that forks waits for the GIL while it holds this lock, and with the GIL it is [`locked`].
fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands a message to the thread.
pub fn send(message: Message) {
    let mut queue = queue();
    queue.messages.push_back(message);
    if !queue.has_thread {
        // If no thread can be had, the next message tries again.
        queue.has_thread = std::thread::Builder::new().name("komopay-messenger".to_owned()).spawn(run).is_ok();
    }
    FILLED.notify_one();
}

/// The queue, held while the process forks.
pub struct Held(MutexGuard<'static, Queue>);

/// Holds the queue.
pub fn hold(py: Python<'_>) -> Held {
    Held(locked(py, &QUEUE))
}

impl Held {
    /// In the child: the messages are the parent's, whose runtime waits for them.
    pub fn forget(mut self) {
        let old = std::mem::replace(&mut *self.0, Queue { messages: VecDeque::new(), has_thread: false });
        std::mem::forget(old);
    }
}

fn run() {
    loop {
        let waiting = FILLED.wait_while(queue(), |queue| queue.messages.is_empty());
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
        let alive = attached(|py| {
            // Only now: what has come while this thread waited for the GIL goes along.
            let messages = std::mem::take(&mut locked(py, &QUEUE).messages);
            let mut settled = Vec::new();
            for message in messages {
                match message {
                    Message::Settle(settlement) => settled.push(settlement),
                    Message::Ask(question) => token::ask(py, question),
                }
            }
            asynchronous::settle(py, settled);
        });
        if alive.is_none() {
            return;
        }
    }
}
