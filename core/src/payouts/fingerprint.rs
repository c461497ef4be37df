//! The fingerprint of a request: a keyed digest of all of it, payee included.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::request::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutMethod, PayoutRequest, WalletAccount,
    WalletTransfer,
};
use crate::error::{Error, ErrorKind, Result};

/// Stands before everything that is digested, and changes with the form.
const FORM: &str = "komopay-fingerprint-1";

impl PayoutRequest {
    /// A keyed, canonical digest of the whole request, payee included: 64 hexadecimal digits.
    ///
    /// Store it beside the id. The platform never repeats the payee's account, so `recovered` cannot prove it; an equal
    /// fingerprint before a resumed call proves that this is the same request. Equal requests have equal fingerprints
    /// in every language and version; `42` and `42.00` are equal money. Without the key nobody can try out account
    /// numbers against it.
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
        if key.len() < 16 {
            return Err(Error::setting("key", "must be at least 16 bytes"));
        }
        let mut digest = Hmac::<Sha256>::new_from_slice(key)
            .map_err(|_| Error::new(ErrorKind::Internal, "HMAC takes a key of any length"))?;
        for text in
            std::iter::once((FORM, Some(""))).chain(self.fields().iter().map(|(name, value)| (*name, value.as_deref())))
        {
            if let (name, Some(value)) = text {
                // The lengths keep one field's end from being another's beginning.
                digest.update(&(name.len() as u64).to_be_bytes());
                digest.update(name.as_bytes());
                digest.update(&(value.len() as u64).to_be_bytes());
                digest.update(value.as_bytes());
            }
        }
        let mut hex = String::with_capacity(64);
        for byte in digest.finalize().into_bytes() {
            write!(hex, "{byte:02x}").map_err(|_| Error::new(ErrorKind::Internal, "a string takes any text"))?;
        }
        Ok(hex)
    }

    /// Every field by its name, in an order that never changes. Without `..`, so that no new field is left out.
    fn fields(&self) -> Vec<(&'static str, Option<String>)> {
        let Self { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = self;
        let mut fields = vec![
            ("money.amount", Some(money.amount().normalize().to_string())),
            ("money.currency", Some(money.currency().to_owned())),
            ("segment_code", segment_code.clone()),
            ("exchanged_to_currency", exchanged_to_currency.clone()),
            ("callback_url", callback_url.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    const KEY: &[u8] = b"0123456789abcdef";

    fn request() -> PayoutRequest {
        let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
        PayoutRequest::new(Money::new("10000", "IDR").unwrap(), bank)
    }

    #[test]
    fn the_form_never_changes() {
        let expected = "a0163d57a6fe955fbf524fa184aa74381b26dfbf9417173c6c8f497c3543f383";
        assert_eq!(request().fingerprint(KEY).unwrap(), expected);
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
