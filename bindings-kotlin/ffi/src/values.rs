//! The values that go in and come out, as the core has them: `build.rs` reads their fields and docs from its source.
//!
//! What shows itself shows what the core shows: no account, no person, not the JSON of an answer.

#![allow(
    clippy::map_identity,
    clippy::redundant_closure_for_method_calls,
    clippy::redundant_field_names,
    reason = "what is generated writes every field alike"
)]

use std::fmt;

use crate::money::Money;
use crate::scalar::{ChangeNumber, Moment, Span, Whole};

/// Shown to people and to programmers alike.
macro_rules! display_as_debug {
    ($($name:ty),+) => {
        $(impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        })+
    };
}

pub(crate) use display_as_debug;

/// A list of codes that the platform may extend: what is not known comes as `Unknown`, in its own words.
macro_rules! open_codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, uniffi::Enum)]
        #[uniffi::export(Debug, Display)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A code that this version does not know.
            Unknown {
                /// As it came.
                text: String,
            },
        }

        #[uniffi::export]
        impl $name {
            /// The code as it is on the wire.
            pub fn code(&self) -> String {
                komopay_core::$name::from(self.clone()).as_str().to_owned()
            }
        }

        impl From<komopay_core::$name> for $name {
            fn from(code: komopay_core::$name) -> Self {
                match code {
                    $(komopay_core::$name::$variant => Self::$variant,)+
                    komopay_core::$name::Unknown(text) => Self::Unknown { text },
                }
            }
        }

        impl From<$name> for komopay_core::$name {
            fn from(code: $name) -> Self {
                match code {
                    $($name::$variant => Self::$variant,)+
                    $name::Unknown { text } => Self::from(text.as_str()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&komopay_core::$name::from(self.clone()), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/values.rs"));

#[uniffi::export]
impl PayoutStatus {
    /// Whether it will not change any more. An unknown status is never final.
    pub fn is_final(&self) -> bool {
        komopay_core::PayoutStatus::from(self.clone()).is_final()
    }
}

#[uniffi::export]
impl ErrorKind {
    /// The name that is the same in every language, such as `outcome_unknown`.
    pub fn code(&self) -> String {
        komopay_core::ErrorKind::from(*self).as_str().to_owned()
    }

    /// Whether the same call may succeed if it is made again later (after `outcome_unknown`: with `resume`).
    pub fn retryable(&self) -> bool {
        komopay_core::ErrorKind::from(*self).retryable()
    }

    /// Whether a payout under this id exists or may exist. False on a read: this read moved nothing.
    pub fn money_may_have_moved(&self) -> bool {
        komopay_core::ErrorKind::from(*self).money_may_have_moved()
    }

    /// The HTTP status to answer a callback with after an error of this kind, about this field.
    pub fn callback_status(&self, field: Option<String>) -> Whole {
        komopay_core::ErrorKind::from(*self).callback_status(field.as_deref()).into()
    }
}

#[uniffi::export]
impl Concern {
    /// The name that is the same in every language: `merchant` or `payout`.
    pub fn code(&self) -> String {
        komopay_core::Concern::from(*self).as_str().to_owned()
    }
}

/// The error table: every kind.
#[uniffi::export]
pub fn error_kinds() -> Vec<ErrorKind> {
    komopay_core::ErrorKind::ALL.map(ErrorKind::from).into()
}
