//! Whose payout an answer is about: the one comparison, for the answer to a create and for a read.
//!
//! It fails closed. Only what can be read and differs makes a payout another's; a deciding field that cannot be read,
//! or that the contract requires and that is missing, proves nothing.

use jiff::Timestamp;

use super::PayoutRequest;
use crate::values::{Deciding, Said};

/// What of a read is held against the call.
#[derive(Clone, Copy)]
pub(crate) struct Expected<F> {
    /// The mode that the client is set to.
    pub is_test: Option<bool>,
    /// Whether a payout that was made then can be of this call; nothing where any age will do.
    pub is_young: Option<F>,
}

/// What an answer proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// Everything that the platform repeats agrees.
    Ours,
    /// Something that can be read does not.
    NotOurs,
    /// Nothing: this field cannot be read, or is missing.
    Unproven(&'static str),
}

impl Deciding {
    /// Whether the platform repeats what was asked for.
    pub fn repeats(&self, request: &PayoutRequest) -> Agreement {
        if self.money != request.money || self.method_code != request.method.code() {
            return Agreement::NotOurs;
        }
        // The contract does not require these two.
        let segment = agrees("segmentCode", &self.segment_code, request.segment_code.as_ref());
        let exchanged = request.exchanged_to_currency.as_ref();
        segment.and(agrees("exchangedToCurrency", &self.exchanged_to_currency, exchanged))
    }

    /// Rule 6: ours if everything the platform repeats agrees, and it is not older than this call.
    pub fn is_ours(&self, request: &PayoutRequest, expected: Expected<impl Fn(Timestamp) -> bool>) -> Agreement {
        let Some(process) = &self.process else { return Agreement::Unproven("process") };
        let mode = match (expected.is_test, &process.is_test) {
            (None, _) => Agreement::Ours,
            (Some(expected), Said::This(found)) if expected == *found => Agreement::Ours,
            (Some(_), Said::This(_)) => Agreement::NotOurs,
            (Some(_), Said::Nothing | Said::Unreadable) => Agreement::Unproven("isTest"),
        };
        let age = match (expected.is_young, &process.created_at) {
            (None, _) => Agreement::Ours,
            (Some(is_young), Said::This(created)) if is_young(*created) => Agreement::Ours,
            (Some(_), Said::This(_)) => Agreement::NotOurs,
            (Some(_), Said::Nothing | Said::Unreadable) => Agreement::Unproven("createdAt"),
        };
        self.repeats(request).and(mode).and(age)
    }
}

impl Agreement {
    /// What both prove together: one that differs is enough.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotOurs, _) | (_, Self::NotOurs) => Self::NotOurs,
            (Self::Unproven(field), _) | (Self::Ours, Self::Unproven(field)) => Self::Unproven(field),
            (Self::Ours, Self::Ours) => Self::Ours,
        }
    }
}

fn agrees(field: &'static str, said: &Said<String>, asked: Option<&String>) -> Agreement {
    match said {
        Said::Nothing => Agreement::Ours,
        Said::Unreadable => Agreement::Unproven(field),
        Said::This(said) if Some(said) == asked => Agreement::Ours,
        Said::This(_) => Agreement::NotOurs,
    }
}
