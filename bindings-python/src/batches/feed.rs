//! What a thread of Python hands to a plan, group by group: a plan reads its rows on a thread of its own, and code of
//! the caller's runs on the caller's.

use std::io::{self, Read};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use komopay_batches::RowProblem;
use komopay_core::{PayoutId, PayoutRequest};
use tokio::sync::Notify;

/// A key, a payout id if there is one, and a request; or why there is none.
pub type Drafted = Result<(String, Option<PayoutId>, PayoutRequest), Problem>;

/// What is wrong with a row that cannot be made into a request.
pub struct Problem {
    pub field: &'static str,
    pub problem: String,
}

impl Problem {
    /// The problem of this row.
    pub fn of(self, row: u64) -> RowProblem {
        RowProblem { row, field: Some(self.field.to_owned()), problem: self.problem }
    }
}

/// What is handed over at a time.
pub enum Group {
    /// A piece of a file, or lines.
    Bytes(Vec<u8>),
    /// Requests.
    Requests(Vec<Drafted>),
    /// There is no more.
    End,
}

#[derive(Default)]
struct State {
    /// Somebody waits for a group.
    asked: Option<Sender<Group>>,
    has_reader: bool,
    has_feeder: bool,
}

struct Line {
    state: Mutex<State>,
    moved: Notify,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line between a thread of Python and a plan.
pub fn line() -> (Feeder, Fed) {
    let state = State { asked: None, has_reader: true, has_feeder: true };
    let line = Arc::new(Line { state: Mutex::new(state), moved: Notify::new() });
    (Feeder(Arc::clone(&line)), Fed(line))
}

/// The side that hands over. When it is dropped, the reader waits no longer.
pub struct Feeder(Arc<Line>);

impl Feeder {
    /// Ends when a group is wanted, which is true, or none will be any more.
    pub fn wanted(&self) -> impl Future<Output = bool> + Send + use<> {
        let line = Arc::clone(&self.0);
        async move {
            loop {
                {
                    let state = line.state();
                    if state.asked.is_some() || !state.has_reader {
                        return state.has_reader;
                    }
                }
                line.moved.notified().await;
            }
        }
    }

    /// Whether a group is wanted now.
    pub fn is_wanted(&self) -> bool {
        self.0.state().asked.is_some()
    }

    /// Hands a group to who waits for one.
    pub fn give(&self, group: Group) {
        if let Some(asker) = self.0.state().asked.take() {
            // It has left, if the plan ended meanwhile.
            let _ = asker.send(group);
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.has_feeder = false;
        state.asked = None;
    }
}

/// The side that reads.
pub struct Fed(Arc<Line>);

impl Fed {
    /// The next group; none, if nobody hands over any more.
    pub fn next(&self) -> Option<Group> {
        let (asker, answer) = channel();
        {
            let mut state = self.0.state();
            if !state.has_feeder {
                return None;
            }
            state.asked = Some(asker);
        }
        self.0.moved.notify_one();
        answer.recv().ok()
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.0.state().has_reader = false;
        self.0.moved.notify_one();
    }
}

/// What is handed over as bytes.
pub struct FedBytes {
    fed: Fed,
    group: io::Cursor<Vec<u8>>,
}

impl FedBytes {
    /// Bytes that begin with these.
    pub fn new(first: Vec<u8>, fed: Fed) -> Self {
        Self { fed, group: io::Cursor::new(first) }
    }
}

impl Read for FedBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.group.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.fed.next() {
                Some(Group::Bytes(bytes)) => self.group = io::Cursor::new(bytes),
                Some(Group::End) => return Ok(0),
                Some(Group::Requests(_)) => return Err(io::Error::other("requests came where bytes were")),
                None => return Err(io::Error::other("nobody reads it any more")),
            }
        }
    }
}
