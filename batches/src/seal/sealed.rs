//! What is personal, sealed: nobody without the key reads it, changes it, or puts it in another's place.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use komopay_core::{Error, Result};
use secrecy::SecretSlice;

use super::keys::{Key, Keys, damaged, random};

/// The form of the sealed bytes, which is their first.
const FORM: u8 = 1;

/// How many bytes a nonce has. So many may be drawn at random for as long as the key lives.
const NONCE: usize = 24;

/// A sealed text, and which key opens it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The id of the key.
    pub key_id: String,
    /// Form, nonce, text and tag.
    pub bytes: Vec<u8>,
}

impl Keys {
    /// Seals a text with the current key. It opens only for the same `bound_to`: what it belongs to, such as batch,
    /// key, payout id and fingerprint, in this order.
    pub(crate) fn seal(&self, plain: &[u8], bound_to: &[&str]) -> Result<Sealed> {
        let key = self.current();
        let nonce: [u8; NONCE] = random()?;
        let aad = associated(key, bound_to);
        let sealed = cipher(key)?
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| Error::internal("a text of this length is sealed"))?;
        let bytes = [&[FORM], nonce.as_slice(), &sealed].concat();
        Ok(Sealed { key_id: key.id.clone(), bytes })
    }

    /// Opens what was sealed for the same `bound_to`, with whichever key of the ring it was.
    ///
    /// # Errors
    /// `configuration`: naming `journal_key` and the key's id, if that key is not here; naming `journal`, if the bytes
    /// are not what was sealed under that key for this `bound_to`.
    pub(crate) fn open(&self, sealed: &Sealed, bound_to: &[&str]) -> Result<SecretSlice<u8>> {
        let key = self.key(&sealed.key_id)?;
        let wrong = || damaged("a payee does not open for the item that it stands by");
        let Some((&FORM, rest)) = sealed.bytes.split_first() else { return Err(wrong()) };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE>() else { return Err(wrong()) };
        let aad = associated(key, bound_to);
        let plain = cipher(key)?.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad });
        plain.map(SecretSlice::from).map_err(|_| wrong())
    }
}

fn cipher(key: &Key) -> Result<XChaCha20Poly1305> {
    XChaCha20Poly1305::new_from_slice(key.sealing()).map_err(|_| Error::internal("a derived key has 32 bytes"))
}

/// The lengths keep one part's end from being another's beginning.
fn associated(key: &Key, bound_to: &[&str]) -> Vec<u8> {
    let mut aad = vec![FORM];
    for part in std::iter::once(key.id.as_str()).chain(bound_to.iter().copied()) {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
