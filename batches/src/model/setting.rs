//! What is explored: who works, what may go wrong, and what is assumed. Times are in ticks.

/// Who works, and what may go wrong.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each may happen or not")]
pub(super) struct Setting {
    pub items: usize,
    pub workers: usize,
    pub times: Times,
    /// Until then, each worker may be paused at each of its steps, for as long as there is. After that, time passes
    /// only where all wait for it.
    pub pauses_until: u8,
    /// How many faults there are at most.
    pub faults: u8,
    pub clocks: Clocks,
    /// The platform says when it answers.
    pub dates: bool,
    /// Time may pass between what a read sees and its answer.
    pub slow_reads: bool,
    /// Somebody may cancel the batch.
    pub cancels: bool,
    /// The journal may become that of an earlier time.
    pub restores: bool,
    /// Whoever opens the journal takes over what a process left that died, or seems to have.
    pub opens: bool,
    /// A worker's own clock may stand still: its machine sleeps.
    pub sleeps: bool,
    /// What the merchant was told is not made, is paid again under another id; nothing else is held against the rules.
    pub pays_again: bool,
    /// The assumptions, which hold unless a test wants to see what they are for.
    pub assumed: Assumed,
    /// The rules, which are all in force unless a test wants to see what they are for.
    pub rules: Rules,
}

/// What the times of the rules are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Of a token.
    pub life: u8,
    pub attempt: u8,
    pub leeway: u8,
    pub settle_window: u8,
    pub patience: u8,
    /// Until what is left of a chunk is due again.
    pub pause: u8,
}

/// How far each clock is ahead of the true time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    pub database: i64,
    pub platform: i64,
    /// What workers show as the time of day. No rule looks at it.
    pub workers: i64,
    /// By how much the database's is put forward once, at any time: nobody sees that.
    pub jump: i64,
    /// By how much that of the server is ahead of the old one on which the journal is restored.
    pub restored: i64,
}

/// What nobody can prove from here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assumed {
    /// For how long after its end the platform still takes a token.
    pub leeway: u8,
    /// So long after its token was checked, a request is executed and shown, or never will be.
    pub settles_within: u8,
}

#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(super) struct Rules {
    /// A token is written down before it is used.
    pub registers: bool,
    /// Under a token, nothing is sent after its end by the worker's own clock.
    pub ends: bool,
    /// No token is renewed.
    pub one_token: bool,
    /// What a read does not show was not made only after the fence.
    pub fence: bool,
    /// ... by the platform's clock, too, where it says what that is.
    pub date: bool,
    /// ... by the database's clock, and not by the worker's.
    pub database_clock: bool,
    /// ... and by when the platform looked, at the latest, and not by when it answered.
    pub asked: bool,
    /// After the journal was restored, all that is open is in doubt.
    pub doubts: bool,
    /// ... and has a number that it never had.
    pub new_epochs: bool,
}
