//! The fingerprint of a request, with the id of the key that made it.

use komopay_core::{PayoutRequest, Result};

use super::keys::{Keys, damaged, of_key};

impl Keys {
    /// The request's fingerprint under the current key: `KEYID:FINGERPRINT`.
    pub(crate) fn fingerprint(&self, request: &PayoutRequest) -> Result<String> {
        let key = self.current();
        Ok(format!("{}:{}", key.id, request.fingerprint(key.fingerprint())?))
    }

    /// Whether a stored fingerprint is this request's, with whichever key of the ring it was made. Two fingerprints of
    /// one request under two keys differ as texts: compare by this only.
    ///
    /// # Errors
    /// `configuration`: naming `journal_key` and the key's id, if that key is not here; naming `journal`, if the text
    /// is no fingerprint of a journal.
    pub(crate) fn matches(&self, stored: &str, request: &PayoutRequest) -> Result<bool> {
        let (id, fingerprint) = of_key(stored).ok_or_else(|| damaged("a fingerprint names no key"))?;
        request.matches_fingerprint(self.key(id)?.fingerprint(), fingerprint)
    }
}
