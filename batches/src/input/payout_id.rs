//! The id of an item that brings none: the same batch and key give the same id for ever.

use data_encoding::BASE32_NOPAD;
use komopay_core::{Error, PayoutId, Result};
use sha2::{Digest, Sha256};

/// What stands before the digest.
const PREFIX: &str = "KB-";

/// How many characters of the digest an id has: 130 bits.
const LENGTH: usize = 26;

/// The longest id of a batch, in characters.
const LONGEST: usize = 100;

/// The payout id of the row of this batch whose unique column holds `key`.
///
/// It is `KB-` and the first 26 characters of the SHA-256 digest, in lower-case base32 (RFC 4648), of batch id and key,
/// each behind its length in bytes (8 bytes, the highest first). This never changes: the same file gives the same ids,
/// whatever the order of its rows, so that a file that is handed over again pays nobody twice.
///
/// ```
/// use komopay_batches::derived_payout_id;
///
/// assert_eq!(derived_payout_id("payroll-2026-11", "EMP-17")?.as_str(), "KB-jntdbsozwgjugb5fsacernfglu");
/// assert_ne!(derived_payout_id("payroll-2026-12", "EMP-17")?, derived_payout_id("payroll-2026-11", "EMP-17")?);
/// # Ok::<(), komopay_core::Error>(())
/// ```
///
/// # Errors
/// `invalid_request`, naming `batch_id` or `key`, if either is empty, or if the batch id is none.
pub fn derived_payout_id(batch_id: &str, key: &str) -> Result<PayoutId> {
    check_batch_id(batch_id)?;
    if key.is_empty() {
        return Err(Error::invalid("key", "is empty"));
    }
    let mut digest = Sha256::new();
    for part in [batch_id, key] {
        // A length of more than 64 bits is there on no machine.
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    let mut text = BASE32_NOPAD.encode(&digest.finalize()).to_ascii_lowercase();
    text.truncate(LENGTH);
    PayoutId::new(format!("{PREFIX}{text}"))
}

/// Refuses what would be two batches to some and one to others.
pub(crate) fn check_batch_id(batch_id: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if (1..=LONGEST).contains(&batch_id.len()) && batch_id.chars().all(allowed) {
        return Ok(());
    }
    let problem = format!("must be 1 to {LONGEST} letters, digits, '_', '-' or '.', such as payroll-2026-11");
    Err(Error::invalid("batch_id", problem))
}
