//! What a plan says against a batch.

use std::fmt;

/// Defines a kind of finding: one variant per name.
macro_rules! kinds {
    ($(#[$meta:meta])* $kind:ident { $($(#[$variant_meta:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name of the kind, the same in every language.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

kinds! {
    /// What is wrong with a batch as a whole.
    PlanProblemKind {
        /// There are more items, or fewer, than the maker says.
        Count = "count",
        /// A sum is not what the maker says.
        Sum = "sum",
        /// The platform has no such payouts, or not for this segment.
        NotOffered = "not_offered",
        /// They have to be activated in the back office first.
        NotActivated = "not_activated",
        /// An amount is below what can be paid.
        BelowLimit = "below_limit",
        /// An amount is above what can be paid.
        AboveLimit = "above_limit",
    }
}

kinds! {
    /// What a person should know of a batch before it is paid.
    PlanWarningKind {
        /// What can be spent does not cover it.
        Balance = "balance",
        /// The same payee got the same amount in another batch lately.
        PaidLately = "paid_lately",
        /// Something could not be looked up.
        NotChecked = "not_checked",
    }
}

/// What is wrong with a batch as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// What it is.
    pub kind: PlanProblemKind,
    /// The text for people. No payee is in it.
    pub text: String,
    /// A row that has it, where it is about rows.
    pub row: Option<u64>,
}

/// What a person should know of a batch before it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanWarning {
    /// What it is.
    pub kind: PlanWarningKind,
    /// The text for people. No payee is in it.
    pub text: String,
    /// The row that has it, where it is about one.
    pub row: Option<u64>,
}
