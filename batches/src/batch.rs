//! A batch: what the merchant hands over, and the moves that it may make.

use std::fmt;

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BatchState {
    /// Rows are being read, or some of them are bad.
    Draft,
    /// Every row that is to be paid is good: it awaits approval.
    Validated,
    /// It may be started.
    Approved,
    /// Workers may pay it.
    Running,
    /// Workers claim nothing of it.
    Paused,
    /// All is sent; some are not final.
    Following,
    /// Every item is final.
    Closed,
    /// What was not sent never will be.
    Cancelled,
}

impl BatchState {
    /// Every state, in the order of a batch's life.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Validated,
        Self::Approved,
        Self::Running,
        Self::Paused,
        Self::Following,
        Self::Closed,
        Self::Cancelled,
    ];

    /// The name of the state, the same in every language and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Validated => "validated",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Following => "following",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it may become that.
    pub(crate) const fn may_become(self, to: Self) -> bool {
        use BatchState::{Approved, Cancelled, Closed, Draft, Following, Paused, Running, Validated};
        match self {
            Draft => matches!(to, Draft | Validated | Cancelled),
            Validated => matches!(to, Draft | Validated | Approved | Cancelled),
            Approved => matches!(to, Draft | Validated | Running | Cancelled),
            // It closes at once, if nothing of what was sent is left to follow.
            Running => matches!(to, Paused | Following | Closed | Cancelled),
            Paused => matches!(to, Running | Cancelled),
            // A new try of an item is sent.
            Following | Closed => matches!(to, Running | Following | Closed),
            // What was sent before is followed to its end, and stays in this state.
            Cancelled => false,
        }
    }

    /// Whether its rows may still change: nothing of it was ever sent.
    #[must_use]
    pub const fn is_open_to_changes(self) -> bool {
        matches!(self, Self::Draft | Self::Validated | Self::Approved)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
