//! Why an item needs a person, and what that person should do: one plain sentence for each reason.

use std::fmt;

/// Why an item needs a person: what no rule can decide without the risk of paying twice, or of not paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attention {
    /// The platform has a payout of this id that is not provably this one.
    TakenByAnother,
    /// It was rejected or cancelled, and later the platform shows a payout of this id.
    MadeAfterAll,
}

impl Attention {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::TakenByAnother, Self::MadeAfterAll];

    /// The name of the reason, the same in every language and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TakenByAnother => "taken_by_another",
            Self::MadeAfterAll => "made_after_all",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attention| attention.as_str() == text)
    }

    /// What to do, in one sentence.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::TakenByAnother => {
                "Another payout has this id: compare the two in the platform's back office, and settle this one as \
                 made only if that is the same payment."
            }
            Self::MadeAfterAll => {
                "It was paid although it was given up: settle it as made, and find out whether it was paid in another \
                 way meanwhile."
            }
        }
    }
}

impl fmt::Display for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
