//! The keys of a journal: their text, and what is derived of each.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::Generate;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use komopay_core::{Error, Result};
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::Sha256;

/// The setting that every error is about.
const SETTING: &str = "journal_key";

/// Stands before everything that is derived of a key, which may also serve for something else.
const FORM: &[u8] = b"komopay-journal-1";

/// A key of fewer different bytes was typed: of those that are made at random, none out of 10^20 has so few.
const FEWEST_BYTES: usize = 12;

/// The keys of a journal: 32 bytes each, made at random, kept like a password and apart from the journal.
///
/// The text is one or several keys, each in base64 or in hexadecimal digits, separated by blanks or commas. The first
/// seals; all of them open. To rotate, put a new one in front, and keep the old ones behind it for as long as something
/// of theirs is kept. A journal whose key is lost cannot be read: the payouts that are on their way can still be looked
/// up on the platform by their ids.
///
/// `Debug` shows the ids of the keys, which are no secret, and nothing else. A clone shares the keys.
///
/// ```
/// use komopay_batches::Keys;
///
/// let text = Keys::generate()?;
/// let keys = Keys::parse(&text)?;
/// assert_eq!(keys.ids().count(), 1);
///
/// let rotated = Keys::parse(&format!("{} {text}", Keys::generate()?))?;
/// assert_eq!(rotated.ids().last(), keys.ids().next());
/// assert_eq!(Keys::parse("short").unwrap_err().field(), Some("journal_key"));
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Keys(Arc<Ring>);

struct Ring {
    current: Key,
    older: Vec<Key>,
}

/// One key, as what is derived of it.
pub(super) struct Key {
    pub id: String,
    sealing: Secret,
    fingerprint: Secret,
    digest: Secret,
    payee: Secret,
}

type Secret = SecretBox<[u8; 32]>;

impl Keys {
    /// Keys from their text.
    ///
    /// # Errors
    /// `configuration`, naming `journal_key`, if there is no key, or one that is not 32 bytes in base64 or hexadecimal
    /// digits, that was not made at random, or that is there twice. No error repeats any of it.
    pub fn parse(text: &str) -> Result<Self> {
        let texts: Vec<&str> =
            text.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty()).collect();
        let mut keys: Vec<Key> = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            let of = if texts.len() == 1 { "the key".to_owned() } else { format!("key {} of {}", at + 1, texts.len()) };
            let key = Key::derive(&decode(text, &of)?)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(Error::setting(SETTING, format!("{of} is there twice; give each key once")));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let Some(current) = keys.next() else {
            return Err(Error::setting(SETTING, "is empty; make a key with `komopay batch key`, and keep it safe"));
        };
        Ok(Self(Arc::new(Ring { current, older: keys.collect() })))
    }

    /// The text of a new key: 32 bytes of the system's randomness, in base64. It is a secret: show it once, to whoever
    /// will keep it.
    ///
    /// # Errors
    /// `internal`, if the system gives no randomness.
    pub fn generate() -> Result<String> {
        Ok(BASE64.encode(&random::<32>()?))
    }

    /// The ids of the keys, 8 hexadecimal digits each; the one that seals comes first. They are no secret.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.id.as_str())
    }

    /// Says which of these keys are not here.
    ///
    /// # Errors
    /// `configuration`, naming `journal_key` and the ids of all that are missing.
    pub(crate) fn require<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut missing: Vec<&str> = ids.into_iter().filter(|id| self.ids().all(|known| known != *id)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let (missing, known) = (missing.join(", "), self.ids().collect::<Vec<_>>().join(", "));
        Err(Error::setting(
            SETTING,
            format!(
                "the journal uses keys that are missing here: {missing} (here are {known}); add them behind the first"
            ),
        ))
    }

    /// The key that makes all that is new.
    pub(super) fn current(&self) -> &Key {
        &self.0.current
    }

    /// All of them, the current one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.0.current).chain(&self.0.older)
    }

    /// The key of this id.
    pub(super) fn key(&self, id: &str) -> Result<&Key> {
        match self.all().find(|key| key.id == id) {
            Some(key) => Ok(key),
            None => Err(self.require([id]).err().unwrap_or_else(|| Error::internal("a key is there and is not"))),
        }
    }
}

impl Key {
    fn derive(key: &Secret) -> Result<Self> {
        let derived = Hkdf::<Sha256>::new(Some(FORM), key.expose_secret());
        let fill = |purpose: &str, bytes: &mut [u8]| {
            derived.expand(purpose.as_bytes(), bytes).map_err(|_| Error::internal("HKDF gives 32 bytes"))
        };
        let secret = |purpose| {
            let mut filled = Ok(());
            let secret = SecretBox::init_with_mut(|bytes: &mut [u8; 32]| filled = fill(purpose, bytes));
            filled.map(|()| secret)
        };
        let mut id = [0; 4];
        fill("id", &mut id)?;
        Ok(Self {
            id: HEXLOWER.encode(&id),
            sealing: secret("sealing")?,
            fingerprint: secret("fingerprint")?,
            digest: secret("digest")?,
            payee: secret("payee")?,
        })
    }

    /// What bodies are sealed with.
    pub fn sealing(&self) -> &[u8] {
        self.sealing.expose_secret()
    }

    /// What requests are fingerprinted with.
    pub fn fingerprint(&self) -> &[u8] {
        self.fingerprint.expose_secret()
    }

    /// What digests of batches are made with.
    pub fn digest(&self) -> Result<Hmac<Sha256>> {
        mac(&self.digest)
    }

    /// What payees are known again by.
    pub fn payee(&self) -> Result<Hmac<Sha256>> {
        mac(&self.payee)
    }
}

/// `KEYID:REST` in its parts. What is no such text was not written here.
pub(super) fn of_key(stored: &str) -> Option<(&str, &str)> {
    let (id, rest) = stored.split_once(':')?;
    let is_id = id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_id.then_some((id, rest))
}

/// Something in the journal is not what was written there.
pub(super) fn damaged(problem: &str) -> Error {
    Error::setting("journal", format!("it is damaged or was changed by hand: {problem}; restore it from a backup"))
}

/// Each part with its length before it, so that one's end is never another's beginning.
pub(super) fn feed(mac: &mut Hmac<Sha256>, part: &[u8]) {
    mac.update(&(part.len() as u64).to_be_bytes());
    mac.update(part);
}

/// Bytes of the system's randomness.
pub(super) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    <[u8; LENGTH]>::try_generate().map_err(|_| Error::internal("the system gives no randomness"))
}

fn mac(key: &Secret) -> Result<Hmac<Sha256>> {
    Hmac::new_from_slice(key.expose_secret()).map_err(|_| Error::internal("HMAC takes a key of any length"))
}

fn decode(text: &str, of: &str) -> Result<Secret> {
    let unpadded = text.strip_suffix('=').unwrap_or(text);
    let encoding = match text.len() {
        64 => &HEXLOWER_PERMISSIVE,
        _ if unpadded.contains(['-', '_']) => &BASE64URL_NOPAD,
        _ => &BASE64_NOPAD,
    };
    let bytes = SecretSlice::from(encoding.decode(unpadded.as_bytes()).unwrap_or_default());
    let Ok(key) = <[u8; 32]>::try_from(bytes.expose_secret()) else {
        let problem = "is not 32 bytes in base64 (44 characters) or in hexadecimal digits (64)";
        return Err(Error::setting(SETTING, format!("{of} {problem}; make one with `komopay batch key`")));
    };
    if key.iter().collect::<BTreeSet<_>>().len() < FEWEST_BYTES {
        let problem = "was not made at random, so it could be guessed";
        return Err(Error::setting(SETTING, format!("{of} {problem}; make one with `komopay batch key`")));
    }
    Ok(SecretBox::new(Box::new(key)))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}
