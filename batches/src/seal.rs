//! Payees are sealed, and what is compared is a keyed digest: nobody who has the journal without its keys reads whom it
//! pays, or tries account numbers against it.
//!
//! Every key of the merchant gives one key for each purpose, by HKDF-SHA256: for sealing, for fingerprints, for the
//! digests of batches, for payees, and its id, which is no secret. So a text that is made for one purpose says nothing
//! for another.
//!
//! | written down | form |
//! |---|---|
//! | the id of a key | 8 hexadecimal digits |
//! | a sealed body | one byte of form, a nonce of 24, the text under XChaCha20-Poly1305 with its tag |
//! | a fingerprint | `KEYID:FINGERPRINT`, the latter as [`komopay_core::PayoutRequest::fingerprint`] gives it |
//! | the digest of a batch | `kb1:KEYID:HEX` |
//! | a payee | `KEYID:HEX` |
//!
//! # Rotation
//! The first key makes all that is new; each key of the ring opens and compares. What was written stays as it is, under
//! the key that it names, so a key may go when nothing that is kept names it any more.

mod digest;
mod fingerprint;
mod keys;
mod payee;
mod sealed;

pub(crate) use digest::Digest;
pub use keys::Keys;
pub(crate) use sealed::Sealed;

#[cfg(test)]
mod tests;
