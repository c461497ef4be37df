//! What a command ends with.

use komopay_batches::{BatchState, BatchStatus, ItemState};
use komopay_core::{Error, ErrorKind};

/// The exit codes: the crate's documentation says what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Fault = 1,
    BadInput = 2,
    InDoubt = 3,
    AwaitsApproval = 4,
    StoppedByRule = 5,
    Unfinished = 6,
    NotPaid = 7,
}

impl Exit {
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// How an error ends a command.
    pub fn of_error(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::OutcomeUnknown => Self::InDoubt,
            ErrorKind::NotFinal => Self::Unfinished,
            ErrorKind::Configuration | ErrorKind::InvalidRequest => Self::BadInput,
            _ => Self::Fault,
        }
    }

    /// How a batch stands.
    pub fn of_status(status: &BatchStatus, by_rule: bool) -> Self {
        let is_final = status.counts.iter().all(|count| count.count == 0 || count.state.is_final());
        match status.state {
            BatchState::Draft => Self::BadInput,
            BatchState::Validated => Self::AwaitsApproval,
            BatchState::Paused if by_rule => Self::StoppedByRule,
            _ if status.count(ItemState::InDoubt) + status.count(ItemState::NeedsPerson) > 0 => Self::InDoubt,
            BatchState::Closed | BatchState::Cancelled if is_final => Self::Done,
            _ => Self::Unfinished,
        }
    }
}
