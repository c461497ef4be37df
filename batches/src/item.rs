//! An item: one payout of a batch, and the moves that it may make.

use std::fmt;

/// Where an item stands.
///
/// While the chunk of a planned item is claimed, the item is; while the chunk's token is registered, it may be on its
/// way. That is the chunk's state, and is not written down a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemState {
    /// Nothing was sent, or it is proved that nothing of it will execute.
    Planned,
    /// It may have been sent, and nobody knows yet.
    InDoubt,
    /// The platform took it.
    Accepted,
    /// The money arrived.
    Succeeded,
    /// It did not: the platform tried.
    Failed,
    /// It did not: the platform would not.
    Refused,
    /// The platform took no payout of this id, and said why.
    Rejected,
    /// A person has to look.
    NeedsPerson,
    /// It was never sent, and will not be.
    Cancelled,
}

impl ItemState {
    /// Every state, in the order of the report.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::InDoubt,
        Self::Accepted,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
        Self::Rejected,
        Self::NeedsPerson,
        Self::Cancelled,
    ];

    /// The name of the state, the same in every language and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InDoubt => "in_doubt",
            Self::Accepted => "accepted",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::NeedsPerson => "needs_person",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more comes of it by itself. A final status may still be corrected by the platform.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Refused | Self::Rejected | Self::Cancelled)
    }

    /// Whether it ended without the money having arrived, by the platform's word.
    #[must_use]
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Failed | Self::Refused | Self::Rejected)
    }

    /// Whether it may become that, by what the platform says. A person may decide about what needs one.
    pub(crate) const fn may_become(self, to: Self) -> bool {
        use ItemState::{Accepted, Cancelled, Failed, InDoubt, NeedsPerson, Planned, Refused, Rejected, Succeeded};
        match self {
            Planned => !matches!(to, Planned),
            InDoubt => !matches!(to, InDoubt | Cancelled),
            // Statuses, which the platform may correct.
            Accepted | Succeeded | Failed | Refused => matches!(to, Accepted | Succeeded | Failed | Refused),
            // Whatever was believed: it is there.
            NeedsPerson => to.is_made(),
            Rejected | Cancelled => false,
        }
    }

    /// What becomes of it when the platform shows a payout of its id in this state. None, if that says nothing new.
    pub(crate) fn shown(self, as_: Self) -> Option<Self> {
        if self == as_ {
            None
        } else if self.may_become(as_) {
            Some(as_)
        } else {
            // It was told that it is not there.
            (as_.is_made() && matches!(self, Self::Rejected | Self::Cancelled)).then_some(Self::NeedsPerson)
        }
    }

    /// Why it needs a person, although this was said of it.
    pub(crate) fn contradicted(self) -> String {
        format!("it was {self}, and the platform shows a payout of this id")
    }

    /// What becomes of it when a worker is done with its chunk and found this: that a payout was made is believed of
    /// every worker, all else of the one that has the chunk (`ours`). None, if what was found is not believed.
    pub(crate) fn found(self, found: Self, ours: bool) -> Option<Self> {
        if self.is_made() && (!found.is_made() || found == Self::Accepted) {
            // A callback came first. What else is known of it stays.
            return None;
        }
        if !ours && !found.is_made() {
            return None;
        }
        if self == found { Some(found) } else { self.shown(found) }
    }

    /// What becomes of it when the worker that has its chunk is done with that, in a batch that is cancelled or not.
    pub(crate) fn left(self, ours: bool, is_cancelled: bool) -> Self {
        if self == Self::Planned && ours && is_cancelled { Self::Cancelled } else { self }
    }

    /// What becomes of it when its chunk is taken over from a worker that may have sent it.
    pub(crate) fn doubted(self) -> Self {
        if self == Self::Planned { Self::InDoubt } else { self }
    }

    /// Whether its payout exists on the platform.
    #[must_use]
    pub const fn is_made(self) -> bool {
        matches!(self, Self::Accepted | Self::Succeeded | Self::Failed | Self::Refused)
    }
}

impl fmt::Display for ItemState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
