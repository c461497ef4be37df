//! The keys of callback URLs, and the signature that they make: which payout a URL is for, and until when.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::{Error, Result};
use crate::values::PayoutId;

/// Stands before everything that is signed, so that a key that also signs other things signs nothing here by it.
const FORM: &str = "komopay-callback-1";

/// The number of the form, as it stands in the URL.
const VERSION: &str = "1";

/// A key that callback URLs are signed with: text of the merchant's own, at least 32 bytes, never the merchant secret.
///
/// Make it at random, for example with `openssl rand -hex 32`: the platform sees signed URLs, and could try out a key
/// that can be guessed. `Debug` does not show it.
///
/// ```
/// use komopay_core::{CallbackKey, Client, Config, Credentials, SANDBOX_URL};
///
/// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
/// config.callback_keys = vec![CallbackKey::new("short")];
/// assert_eq!(Client::new(config).unwrap_err().field(), Some("callback_keys"));
/// ```
#[derive(Clone)]
pub struct CallbackKey(SecretString);

impl CallbackKey {
    /// A key from its text. [`Client::new`](crate::Client::new) checks it.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(SecretString::from(key.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn mac(&self, id: &PayoutId, expires: u64) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.expose().as_bytes())
            .map_err(|_| Error::internal("HMAC takes a key of any length"))?;
        // The lengths keep one part's end from being another's beginning.
        for part in [FORM.as_bytes(), id.as_str().as_bytes(), &expires.to_be_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

impl fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackKey([hidden])")
    }
}

/// What a signed URL carries: `1.<expiry, or 0>.<MAC>`. All of its characters stand in a path or a query as they are.
pub(crate) struct Signature {
    /// When the URL ends, in seconds since 1970; 0 for never.
    pub expires: u64,
    mac: Vec<u8>,
}

impl Signature {
    /// The signature's text for this payout.
    pub fn make(key: &CallbackKey, id: &PayoutId, expires: u64) -> Result<String> {
        let mac = key.mac(id, expires)?.finalize().into_bytes();
        Ok(format!("{VERSION}.{expires}.{}", URL_SAFE_NO_PAD.encode(mac)))
    }

    /// Reads a signature's text. Each has one text only.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (version, expiry, mac) = (parts.next()?, parts.next()?, parts.next()?);
        if version != VERSION || parts.next().is_some() {
            return None;
        }
        let expires: u64 = expiry.parse().ok()?;
        if expires.to_string() != expiry {
            return None;
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        (mac.len() == 32).then_some(Self { expires, mac })
    }

    /// Whether one of the keys made it for this payout. In constant time for each key, and every key is tried.
    pub fn is_of(&self, keys: &[CallbackKey], id: &PayoutId) -> Result<bool> {
        let mut found = false;
        for key in keys {
            found |= key.mac(id, self.expires)?.verify_slice(&self.mac).is_ok();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const SIGNED: &str = "1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ";

    fn id(id: &str) -> PayoutId {
        PayoutId::new(id).unwrap()
    }

    #[test]
    fn the_form_never_changes() {
        let signed = Signature::make(&CallbackKey::new(KEY), &id("TST-223344"), 0).unwrap();
        assert_eq!(signed, SIGNED);
    }

    #[test]
    fn a_signature_is_of_one_key_one_payout_and_one_expiry() {
        let (key, other) = (CallbackKey::new(KEY), CallbackKey::new("another key of 32 bytes or more!"));
        let text = Signature::make(&key, &id("A"), 77).unwrap();
        let signed = Signature::parse(&text).unwrap();
        let is_of = |keys: &[&CallbackKey], of: &str| {
            signed.is_of(&keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>(), &id(of)).unwrap()
        };
        assert!(is_of(&[&key], "A"));
        assert!(is_of(&[&other, &key], "A") && is_of(&[&key, &other], "A"));
        assert!(!is_of(&[&other], "A") && !is_of(&[], "A"));
        assert!(!is_of(&[&key], "B") && !is_of(&[&key], "A7"));
        for expires in [0, 7, 78, 770] {
            let forged = Signature { expires, mac: signed.mac.clone() };
            assert!(!forged.is_of(std::slice::from_ref(&key), &id("A")).unwrap(), "{expires}");
        }
    }

    #[test]
    fn a_signature_has_one_text_only() {
        let text = Signature::make(&CallbackKey::new(KEY), &id("A"), 77).unwrap();
        assert!(Signature::parse(&text).is_some());
        let mac = text.rsplit('.').next().unwrap();
        for wrong in [
            String::new(),
            "hook".to_owned(),
            format!("2.77.{mac}"),
            format!("1.077.{mac}"),
            format!("1.+77.{mac}"),
            format!("1..{mac}"),
            format!("1.-1.{mac}"),
            format!("1.18446744073709551616.{mac}"),
            format!("1.77.{mac}="),
            format!("1.77.{mac}."),
            format!(" 1.77.{mac}"),
            format!("1.77.{}", &mac[1..]),
            format!("1.77.{mac}AAAA"),
            "1.77.".to_owned(),
        ] {
            assert!(Signature::parse(&wrong).is_none(), "{wrong}");
        }
    }
}
