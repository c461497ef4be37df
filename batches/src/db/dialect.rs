//! Which of the two databases it is, and what is asked of it.

/// Which database it is, for the few texts that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

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
