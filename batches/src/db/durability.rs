//! What a transaction survives, and what its reads lock.

/// What an acknowledged commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A crash of the machine.
    Full,
    /// In PostgreSQL a crash of the process only: for what may be forgotten.
    Lazy,
}

/// What a `SELECT` does about rows that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// It waits for them.
    Update,
    /// It leaves them out.
    SkipLocked,
}
