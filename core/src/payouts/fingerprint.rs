//! The fingerprint of a request: a keyed digest of all of it, payee included.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::request::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutMethod, PayoutRequest, WalletAccount,
    WalletTransfer,
};
use crate::callback_url::unsigned;
use crate::error::{Error, ErrorKind, Result};

/// A form of the digest: docs/adr/0016.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// 64 hexadecimal digits, over the callback URL as it is.
    One,
    /// `2:` and 62 hexadecimal digits, over the callback URL without its signature.
    Two,
}

/// How many characters a digest has.
const DIGITS: usize = 64;

/// What a digest of the second form begins with. With it, both forms have 64 characters.
const SECOND: &str = "2:";

impl Form {
    /// Stands before everything that is digested.
    fn name(self) -> &'static str {
        match self {
            Self::One => "komopay-fingerprint-1",
            Self::Two => "komopay-fingerprint-2",
        }
    }
}

impl PayoutRequest {
    /// A keyed, canonical digest of the whole request, payee included: 64 characters, `2:` and hexadecimal digits.
    ///
    /// Store it beside the id. The platform never repeats the payee's account, so `recovered` cannot prove it; a
    /// fingerprint that [matches](Self::matches_fingerprint) before a resumed call proves that this is the same
    /// request. Equal requests have equal fingerprints in every language; `42` and `42.00` are equal money. The
    /// signature in the callback URL does not count, nor its expiry: a payout whose URL is signed anew is the same
    /// payout. Without the key nobody can try out account numbers against it.
    ///
    /// # Errors
    /// `configuration`, naming `key`, if it is shorter than 16 bytes.
    ///
    /// ```
    /// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
    ///
    /// let key = b"a key of my own, kept like a password";
    /// let to = |number| BankTransfer::new("IDR_014", BankAccount::new("Siti", number));
    /// let one = PayoutRequest::new(Money::new("42", "IDR")?, to("0123456789"));
    /// let same = PayoutRequest::new(Money::new("42.00", "IDR")?, to("0123456789"));
    /// let other = PayoutRequest::new(Money::new("42", "IDR")?, to("0123456788"));
    /// assert_eq!(one.fingerprint(key)?, same.fingerprint(key)?);
    /// assert_ne!(one.fingerprint(key)?, other.fingerprint(key)?);
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn fingerprint(&self, key: &[u8]) -> Result<String> {
        let digest = self.digest(key, Form::Two)?.finalize().into_bytes();
        let mut text = SECOND.to_owned();
        for byte in digest.iter().take(DIGITS / 2 - 1) {
            write!(text, "{byte:02x}").map_err(|_| Error::new(ErrorKind::Internal, "a string takes any text"))?;
        }
        Ok(text)
    }

    /// Whether a stored fingerprint is this request's: one that [`fingerprint`](Self::fingerprint) gives, or one of the
    /// form that it gave before (64 hexadecimal digits). In that one the callback URL counts as it was, signature
    /// included. What has neither form is nobody's. It takes equally long whatever the digits are.
    ///
    /// # Errors
    /// `configuration`, naming `key`, if it is shorter than 16 bytes.
    ///
    /// ```
    /// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
    ///
    /// let key = b"a key of my own, kept like a password";
    /// let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
    /// let request = PayoutRequest::new(Money::new("10000", "IDR")?, bank);
    /// let stored = request.fingerprint(key)?;
    /// assert!(request.matches_fingerprint(key, &stored)?);
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn matches_fingerprint(&self, key: &[u8], stored: &str) -> Result<bool> {
        let (form, digits) = match stored.strip_prefix(SECOND) {
            Some(digits) => (Form::Two, digits),
            None => (Form::One, stored),
        };
        let digest = self.digest(key, form)?;
        if stored.len() != DIGITS {
            return Ok(false);
        }
        Ok(bytes(digits).is_some_and(|bytes| digest.verify_truncated_left(&bytes).is_ok()))
    }

    fn digest(&self, key: &[u8], form: Form) -> Result<Hmac<Sha256>> {
        if key.len() < 16 {
            return Err(Error::setting("key", "must be at least 16 bytes"));
        }
        let mut digest = Hmac::<Sha256>::new_from_slice(key)
            .map_err(|_| Error::new(ErrorKind::Internal, "HMAC takes a key of any length"))?;
        let fields = self.fields(form);
        let fields = fields.iter().map(|(name, value)| (*name, value.as_deref()));
        for text in std::iter::once((form.name(), Some(""))).chain(fields) {
            if let (name, Some(value)) = text {
                // The lengths keep one field's end from being another's beginning.
                digest.update(&(name.len() as u64).to_be_bytes());
                digest.update(name.as_bytes());
                digest.update(&(value.len() as u64).to_be_bytes());
                digest.update(value.as_bytes());
            }
        }
        Ok(digest)
    }

    /// Whether it asks for the same payout: a signature in its callback URL changes nothing of that.
    pub(crate) fn is_same_payout(&self, other: &Self) -> bool {
        let unsigned = |request: &Self| {
            let url = request.callback_url.as_deref();
            url.map(|url| unsigned(url).unwrap_or_else(|| url.to_owned()))
        };
        *self == *other
            || unsigned(self) == unsigned(other)
                && Self { callback_url: None, ..self.clone() } == Self { callback_url: None, ..other.clone() }
    }

    /// Every field by its name, in an order that never changes. Without `..`, so that no new field is left out.
    fn fields(&self, form: Form) -> Vec<(&'static str, Option<String>)> {
        let Self { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = self;
        let callback_url = callback_url.as_deref();
        let unsigned = callback_url.and_then(unsigned).filter(|_| form == Form::Two);
        let mut fields = vec![
            ("money.amount", Some(money.amount().normalize().to_string())),
            ("money.currency", Some(money.currency().to_owned())),
            ("segment_code", segment_code.clone()),
            ("exchanged_to_currency", exchanged_to_currency.clone()),
            ("callback_url", unsigned.or_else(|| callback_url.map(str::to_owned))),
            ("customer_ip", customer_ip.clone()),
            ("method.code", Some(method.code().as_str().to_owned())),
        ];
        fields.extend(match method.clone() {
            PayoutMethod::BankTransfer(BankTransfer { operator_code, account, email_address, remark }) => {
                let BankAccount {
                    name,
                    number,
                    account_type,
                    bank_code,
                    bank_name,
                    bank_branch,
                    bank_city,
                    bank_province,
                } = account;
                vec![
                    ("method.operator_code", Some(operator_code)),
                    ("method.email_address", email_address),
                    ("method.remark", remark),
                    ("method.account.name", Some(name)),
                    ("method.account.number", Some(number)),
                    ("method.account.account_type", account_type),
                    ("method.account.bank_code", bank_code),
                    ("method.account.bank_name", bank_name),
                    ("method.account.bank_branch", bank_branch),
                    ("method.account.bank_city", bank_city),
                    ("method.account.bank_province", bank_province),
                ]
            }
            PayoutMethod::CryptoTransfer(CryptoTransfer {
                operator_code,
                account: CryptoAccount { number },
                remark,
            }) => vec![
                ("method.operator_code", Some(operator_code)),
                ("method.remark", remark),
                ("method.account.number", Some(number)),
            ],
            PayoutMethod::WalletTransfer(WalletTransfer { operator_code, account, phone_number, remark }) => {
                let WalletAccount { name, number } = account;
                vec![
                    ("method.operator_code", operator_code),
                    ("method.phone_number", phone_number),
                    ("method.remark", remark),
                    ("method.account.name", name),
                    ("method.account.number", number),
                ]
            }
        });
        fields
    }
}

/// The bytes that these hexadecimal digits are, all of them small ones: each digest has one text only.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if !digits.bytes().all(is_digit) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    const KEY: &[u8] = b"0123456789abcdef";

    fn request() -> PayoutRequest {
        let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
        PayoutRequest::new(Money::new("10000", "IDR").unwrap(), bank)
    }

    /// As it was given before there was a second form.
    const FIRST: &str = "a0163d57a6fe955fbf524fa184aa74381b26dfbf9417173c6c8f497c3543f383";
    const SIGNED: &str = "https://shop.example/hook/1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ";
    const SIGNED_ANEW: &str = "https://shop.example/hook/1.77.8uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ";

    fn called_at(url: &str) -> PayoutRequest {
        PayoutRequest { callback_url: Some(url.to_owned()), ..request() }
    }

    #[test]
    fn the_forms_never_change() {
        let expected = "2:549f633b7a9e426c472b7d53d5d5e151642910db4edde29b91ad6d3b014432";
        assert_eq!(request().fingerprint(KEY).unwrap(), expected);
        assert!(request().matches_fingerprint(KEY, expected).unwrap());
        assert!(request().matches_fingerprint(KEY, FIRST).unwrap());
        assert_eq!((expected.len(), FIRST.len()), (64, 64), "what is stored is no longer than before");
    }

    #[test]
    fn the_signature_of_the_callback_url_does_not_count() {
        let one = called_at(SIGNED).fingerprint(KEY).unwrap();
        let in_query = SIGNED.replace("/1.0.", "?komopay=1.0.");
        for same in [SIGNED_ANEW, &in_query, "https://shop.example/hook"] {
            assert_eq!(called_at(same).fingerprint(KEY).unwrap(), one, "{same}");
            assert!(called_at(same).matches_fingerprint(KEY, &one).unwrap());
        }
        for other in ["https://shop.example/hooks", "https://shop.example/hook?a=b", "https://other.example/hook"] {
            assert_ne!(called_at(other).fingerprint(KEY).unwrap(), one, "{other}");
            assert!(!called_at(other).matches_fingerprint(KEY, &one).unwrap());
        }
    }

    #[test]
    fn the_first_form_holds_the_callback_url_as_it_was() {
        let digest = called_at(SIGNED).digest(KEY, Form::One).unwrap().finalize().into_bytes();
        let stored = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert!(called_at(SIGNED).matches_fingerprint(KEY, &stored).unwrap());
        assert!(!called_at(SIGNED_ANEW).matches_fingerprint(KEY, &stored).unwrap());
    }

    #[test]
    fn what_is_no_fingerprint_of_it_does_not_match() {
        let stored = request().fingerprint(KEY).unwrap();
        for wrong in [
            String::new(),
            "2:".to_owned(),
            stored[..63].to_owned(),
            stored[2..].to_owned(),
            format!("{stored}0"),
            stored.replacen("2:", "3:", 1),
            stored.replacen("2:", "1:", 1),
            stored.to_uppercase(),
            FIRST.to_uppercase(),
            FIRST[..62].to_owned(),
            format!("{}{}", &FIRST[..63], if FIRST.ends_with('0') { "1" } else { "0" }),
            format!("2:{}", &FIRST[..62]),
            format!("2:{}", "é".repeat(31)),
        ] {
            assert!(!request().matches_fingerprint(KEY, &wrong).unwrap(), "{wrong}");
        }
        assert!(!request().matches_fingerprint(b"another key of 16", &stored).unwrap());
        assert_eq!(request().matches_fingerprint(b"short", &stored).unwrap_err().field(), Some("key"));
        assert_eq!(request().matches_fingerprint(b"short", "").unwrap_err().field(), Some("key"));
    }

    #[test]
    fn every_field_and_the_key_count() {
        let account = |change: fn(&mut BankAccount)| {
            let mut request = request();
            if let PayoutMethod::BankTransfer(bank) = &mut request.method {
                change(&mut bank.account);
            }
            request
        };
        let with = |change: fn(&mut PayoutRequest)| {
            let mut request = request();
            change(&mut request);
            request
        };
        let some = Some("x".to_owned());
        let mut all: Vec<String> = [
            request(),
            with(|r| r.money = Money::new("10001", "IDR").unwrap()),
            with(|r| r.money = Money::new("10000", "USD").unwrap()),
            with(|r| r.segment_code = Some("x".to_owned())),
            with(|r| r.exchanged_to_currency = Some("x".to_owned())),
            with(|r| r.callback_url = Some("x".to_owned())),
            with(|r| r.customer_ip = Some("x".to_owned())),
            account(|a| a.name = "x".to_owned()),
            account(|a| a.number = "x".to_owned()),
            account(|a| a.account_type = Some("x".to_owned())),
            account(|a| a.bank_code = Some("x".to_owned())),
            account(|a| a.bank_name = Some("x".to_owned())),
            account(|a| a.bank_branch = Some("x".to_owned())),
            account(|a| a.bank_city = Some("x".to_owned())),
            account(|a| a.bank_province = Some("x".to_owned())),
            with(|r| r.method = CryptoTransfer::new("BNK_000", CryptoAccount::new("11223344")).into()),
            with(|r| {
                r.method =
                    WalletTransfer::new(WalletAccount { name: None, number: Some("11223344".to_owned()) }).into();
            }),
            with(|r| {
                r.method =
                    WalletTransfer::new(WalletAccount { name: Some("11223344".to_owned()), number: None }).into();
            }),
            with(|r| {
                let mut wallet = WalletTransfer::new(WalletAccount::default());
                wallet.phone_number = Some("x".to_owned());
                r.method = wallet.into();
            }),
            with(|r| {
                let mut wallet = WalletTransfer::new(WalletAccount::default());
                wallet.operator_code = Some("x".to_owned());
                r.method = wallet.into();
            }),
            with(|r| {
                let mut wallet = WalletTransfer::new(WalletAccount::default());
                wallet.remark = Some("x".to_owned());
                r.method = wallet.into();
            }),
        ]
        .iter()
        .map(|request| request.fingerprint(KEY).unwrap())
        .collect();
        let mut bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
        bank.email_address.clone_from(&some);
        all.push(PayoutRequest::new(request().money, bank.clone()).fingerprint(KEY).unwrap());
        bank.remark = bank.email_address.take();
        all.push(PayoutRequest::new(request().money, bank.clone()).fingerprint(KEY).unwrap());
        bank.remark = None;
        bank.operator_code = "BNK_001".to_owned();
        all.push(PayoutRequest::new(request().money, bank).fingerprint(KEY).unwrap());
        all.push(request().fingerprint(b"another key of 16").unwrap());
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn equal_money_has_an_equal_fingerprint_and_a_short_key_is_refused() {
        let mut same = request();
        same.money = Money::new("1E+4", "IDR").unwrap();
        assert_eq!(request().fingerprint(KEY).unwrap(), same.fingerprint(KEY).unwrap());
        assert_eq!(request().fingerprint(b"short").unwrap_err().field(), Some("key"));
    }
}
