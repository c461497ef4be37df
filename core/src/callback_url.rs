//! Callback URLs: how one is signed for its payout, and how it may be shown.

mod key;
mod unsigned;
mod url;

pub use key::CallbackKey;
pub(crate) use key::Signature;
pub use unsigned::ShownUrl;
pub(crate) use unsigned::{signature, unsigned};
pub use url::{CallbackUrlOptions, SignaturePlace};
pub(crate) use url::{PARAMETER, sign};
