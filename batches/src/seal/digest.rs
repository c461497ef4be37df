//! The digest of a batch: what an approval is bound to.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use komopay_core::{Error, PayoutId, Result};
use sha2::Sha256;

use super::keys::{Key, Keys, damaged, feed, of_key};

/// What every digest begins with, and what stands before everything that is digested.
const FORM: &str = "kb1";

/// A digest in the making, over the settings of one batch, and over its items in the order of their payout ids: each
/// id, the item's key, and its fingerprint **as it is stored**, key id included. It keeps the last id only, however
/// many items there are.
///
/// The order is that of the ids' bytes: `ORDER BY payout_id` in SQLite, `ORDER BY payout_id COLLATE "C"` in PostgreSQL.
///
/// # After a rotation
/// The stored fingerprints stay as they are, and so does the digest: it is made again under the key that it names
/// ([`Keys::digest_again`]), over the same stored texts. The digest of the same file in a new batch is another one, and
/// so is that of a batch which was planned again: that is new content, to be approved anew. Whether a file is the one
/// of a batch is told item by item, by [`Keys::matches`].
pub(crate) struct Digest {
    key_id: String,
    mac: Hmac<Sha256>,
    last: Option<PayoutId>,
}

impl Keys {
    /// Begins the digest of a batch, under the current key.
    pub(crate) fn digest(&self, batch: &str, settings: &str) -> Result<Digest> {
        Digest::under(self.current(), batch, settings)
    }

    /// Begins the digest of a batch under the key of one that is stored, to compare with it.
    ///
    /// # Errors
    /// `configuration`: naming `journal_key` and the key's id, if that key is not here; naming `journal`, if the text
    /// is no digest.
    pub(crate) fn digest_again(&self, stored: &str, batch: &str, settings: &str) -> Result<Digest> {
        let no_digest = || damaged("the digest of a batch is none");
        let rest = stored.strip_prefix(FORM).and_then(|rest| rest.strip_prefix(':')).ok_or_else(no_digest)?;
        let (id, _) = of_key(rest).ok_or_else(no_digest)?;
        Digest::under(self.key(id)?, batch, settings)
    }
}

impl Digest {
    /// Whether this text has the form of a digest.
    pub(crate) fn is_one(text: &str) -> bool {
        let rest = text.strip_prefix(FORM).and_then(|rest| rest.strip_prefix(':'));
        rest.and_then(of_key).is_some()
    }

    fn under(key: &Key, batch: &str, settings: &str) -> Result<Self> {
        let mut mac = key.digest()?;
        feed(&mut mac, FORM.as_bytes());
        feed(&mut mac, batch.as_bytes());
        feed(&mut mac, settings.as_bytes());
        Ok(Self { key_id: key.id.clone(), mac, last: None })
    }

    /// Takes the next item.
    ///
    /// # Errors
    /// `internal`, if its id does not come after the one before: no item is left out or taken twice by mistake.
    pub(crate) fn push(&mut self, payout_id: &PayoutId, key: &str, fingerprint: &str) -> Result<()> {
        if self.last.as_ref().is_some_and(|last| last >= payout_id) {
            return Err(Error::internal("the items of a digest come in the order of their payout ids, each once"));
        }
        for part in [payout_id.as_str(), key, fingerprint] {
            feed(&mut self.mac, part.as_bytes());
        }
        self.last = Some(payout_id.clone());
        Ok(())
    }

    /// The digest's text: `kb1:KEYID:HEX`.
    pub(crate) fn finish(self) -> String {
        format!("{FORM}:{}:{}", self.key_id, HEXLOWER.encode(&self.mac.finalize().into_bytes()))
    }

    /// Whether the stored digest is this one. It takes equally long whatever its digits are.
    pub(crate) fn is(self, stored: &str) -> bool {
        let hex = stored.strip_prefix(&format!("{FORM}:{}:", self.key_id));
        let bytes = hex.and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
        bytes.is_some_and(|bytes| self.mac.verify_slice(&bytes).is_ok())
    }
}
