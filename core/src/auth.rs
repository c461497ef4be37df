//! Tokens: what each call needs, how one is issued, and how it is kept and renewed.

mod access;
mod cache;
mod claims;
mod provider;
mod scope;
mod tokens;

pub use access::{AccessScope, AccessToken};
pub use provider::TokenProvider;
pub(crate) use scope::Scope;
pub(crate) use tokens::{Grant, Refusal, Tokens};
