//! What needs no client: money is read, and a request is checked and fingerprinted.

use crate::error::CallFailure;
use crate::money::{Money, MoneyParts};
use crate::values::PayoutRequest;

/// Reads an amount that a person wrote: exact, and to be read in one way only.
#[uniffi::export]
pub fn parse_money(amount: String, currency: String) -> Result<MoneyParts, CallFailure> {
    let money = komopay_core::Money::new(amount, currency)?;
    Ok(Money::from(money).parts())
}

/// Reads an amount that a program wrote, such as that of a decimal type.
#[uniffi::export]
pub fn exact_money(amount: String, currency: String) -> Result<MoneyParts, CallFailure> {
    let money = komopay_core::Money::exact(amount, currency)?;
    Ok(Money::from(money).parts())
}

/// How money is shown, such as `42.05 USD`: a currency is what the platform calls one.
#[uniffi::export]
pub fn show_money(money: Money) -> String {
    komopay_core::Money::from(money).to_string()
}

/// A keyed, canonical digest of the whole request, payee included.
#[uniffi::export]
pub fn fingerprint(request: PayoutRequest, key: Vec<u8>) -> Result<String, CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).fingerprint(&key)?)
}

/// Whether a stored fingerprint, of this form or the one before it, is this request's.
#[uniffi::export]
pub fn matches_fingerprint(request: PayoutRequest, key: Vec<u8>, stored: String) -> Result<bool, CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).matches_fingerprint(&key, &stored)?)
}

/// Checks every limit of the contract, and the rules of single currencies.
#[uniffi::export]
pub fn validate(request: PayoutRequest) -> Result<(), CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).validate()?)
}
