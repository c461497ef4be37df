//! What is explored: who calls, what may go wrong, and what is assumed.

use super::reading::Asked;
use crate::timing::Limits;

/// Who calls, and what may go wrong.
pub(super) struct Setting {
    pub limits: Limits,
    pub callers: Vec<Habits>,
    /// What was made under this id long before, by nobody who calls now.
    pub before: Option<Asked>,
    /// How many faults there are at most; any number, if it does not say.
    pub faults: Option<u8>,
    /// The machine may stand still, so that what is due comes late.
    pub stalls: bool,
    /// Connections carry one exchange after another, and an answer may be delivered to the wrong one.
    pub kept_connections: bool,
    /// What an answer may ask to wait, in seconds.
    pub retry_after: Vec<Option<u64>>,
    /// The assumptions, which hold unless a test wants to see what they are for.
    pub assumed: Assumed,
}

/// What nobody can prove from here.
#[derive(Clone, Copy)]
pub(super) struct Assumed {
    /// The platform executes one payout under one id, ever.
    pub unique_ids: bool,
    /// So many seconds after a connection closed, its request is executed and shown, or never will be.
    pub settles_within: u8,
    /// So many seconds after the answer to another exchange was taken for the answer to a create, that create is
    /// executed and shown, or never will be.
    pub misdelivered_settles_within: u8,
    /// Whoever resumes an id makes sure that no other process is still sending it.
    pub one_process_at_a_time: bool,
    /// Whoever calls has compared the request's fingerprint with the one that is stored beside the id.
    pub fingerprints: bool,
}

/// What one caller does.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    /// Callers of one client share the table of creates that are under way, and a crash.
    pub client: u8,
    pub asks: Asked,
    /// Its first call resumes.
    pub resume: bool,
    /// Calls in all. After the first it calls again if it left, crashed or was told `outcome_unknown`.
    pub calls: u8,
    /// Whether it resumes when it calls again, as it should.
    pub resumes_again: bool,
    /// Its request is refused here, when it resumes.
    pub refused_here: bool,
    /// It sends under a chunk's token, all of its calls under the same: so many seconds after the start, no POST starts
    /// any more.
    pub chunk: Option<u8>,
}
