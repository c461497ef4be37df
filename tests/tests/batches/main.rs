//! Batches: planned, approved, paid exactly once, whatever happens to their workers.

mod life;
mod long_tokens;
mod people;
mod stack;
mod used_up;
