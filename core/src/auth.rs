//! Tokens: what each call needs, how one is issued, and how it is kept and renewed.

mod access;
mod cache;
mod chunk;
mod claims;
mod scope;
mod tokens;

pub use access::{AccessScope, AccessToken};
pub use chunk::ChunkToken;
pub(crate) use chunk::{ChunkRequest, fitting};
#[cfg(feature = "fuzzing")]
pub(crate) use claims::Claims;
pub(crate) use scope::Scope;
#[cfg(feature = "fuzzing")]
pub(crate) use tokens::read_token;
pub(crate) use tokens::{Grant, Kept, Refusal, Tokens};
