//! The delivery log: every attempt to deliver a callback, and what became of it.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// How many lines the log keeps; then the oldest go.
pub(crate) const LOG_LIMIT: usize = 10_000;

/// One line of the delivery log: one attempt to deliver a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// 1, 2, 3, ... in the order in which the attempts ended.
    pub sequence: u64,
    /// When the attempt began, on the sandbox's clock.
    pub at: Timestamp,
    /// The id in the callback: of a payout, or whatever a forged one says.
    pub payout_id: String,
    /// The status that the payout had got when the callback was made. The callback itself does not carry it. `None` for
    /// a forged one.
    pub status: Option<&'static str>,
    /// 1, then 2 to 5 for the repeats. Copies share their number.
    pub attempt: u32,
    /// Where it went. It may carry the merchant's signature of the URL.
    pub url: String,
    /// What became of it.
    pub outcome: DeliveryOutcome,
}

/// What became of an attempt to deliver a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The receiver answered. 200 is delivered, everything else is repeated.
    Answered {
        /// The status it answered with.
        status: u16,
    },
    /// The receiver answered, and a fault lost the answer: it is repeated, whatever the answer was.
    AnswerLost {
        /// The status it answered with.
        status: u16,
    },
    /// There was no answer: no connection, a connection that broke, or no time left. It is repeated.
    Failed {
        /// What went wrong.
        reason: String,
    },
    /// A fault lost the callback on its way: nothing was sent. It is repeated.
    Lost,
    /// It was not sent and is not repeated: the sandbox does not send there.
    Withheld {
        /// Why not, and which setting changes that.
        reason: String,
    },
}

impl DeliveryOutcome {
    /// Whether this is the end of it.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Answered { status: 200 } | Self::Withheld { .. })
    }
}

impl fmt::Display for DeliveryOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status } => write!(f, "{status}"),
            Self::AnswerLost { status } => write!(f, "{status}, lost by a fault"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
            Self::Lost => f.write_str("lost by a fault"),
            Self::Withheld { reason } => write!(f, "withheld: {reason}"),
        }
    }
}

/// The lines, of which the oldest go when there are too many.
#[derive(Default)]
pub(crate) struct Log {
    lines: VecDeque<Delivery>,
    written: u64,
}

impl Log {
    /// Numbers a line and keeps it.
    pub(crate) fn write(&mut self, mut line: Delivery) -> Delivery {
        self.written += 1;
        line.sequence = self.written;
        if self.lines.len() == LOG_LIMIT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
        line
    }

    pub(crate) fn lines(&self) -> Vec<Delivery> {
        self.lines.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_when_there_are_too_many() {
        let mut log = Log::default();
        let line = Delivery {
            sequence: 0,
            at: Timestamp::UNIX_EPOCH,
            payout_id: "A".to_owned(),
            status: Some("SUCCESS"),
            attempt: 1,
            url: String::new(),
            outcome: DeliveryOutcome::Lost,
        };
        for _ in 0..LOG_LIMIT + 2 {
            log.write(line.clone());
        }
        let lines = log.lines();
        assert_eq!((lines.len(), lines.first().map(|line| line.sequence)), (LOG_LIMIT, Some(3)));
    }
}
