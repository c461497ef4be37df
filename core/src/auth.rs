//! Tokens: what each call needs, how one is issued, and how it is kept and renewed.

mod cache;
mod claims;
mod scope;
mod tokens;

pub(crate) use scope::Scope;
pub(crate) use tokens::{Grant, Refusal, Tokens};
