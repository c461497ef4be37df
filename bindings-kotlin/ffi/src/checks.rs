//! What needs no client: money is read and reckoned with, and a request is checked and fingerprinted.

use crate::error::CallFailure;
use crate::money::{Money, MoneyParts};
use crate::scalar::Whole;
use crate::values::{Concern, ErrorKind, PayoutRequest};

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

/// Reads an amount that was money before: what the platform answered comes back as it was.
#[uniffi::export]
pub fn restore_money(amount: String, currency: String) -> Result<MoneyParts, CallFailure> {
    let money = komopay_core::Money::restore(amount, currency)?;
    Ok(Money::from(money).parts())
}

/// The exact sum of two amounts of one currency.
#[uniffi::export]
pub fn add_money(left: Money, right: Money) -> Result<MoneyParts, CallFailure> {
    let sum = komopay_core::Money::from(left).checked_add(&right.into())?;
    Ok(Money::from(sum).parts())
}

/// The exact difference of two amounts of one currency.
#[uniffi::export]
pub fn subtract_money(left: Money, right: Money) -> Result<MoneyParts, CallFailure> {
    let difference = komopay_core::Money::from(left).checked_sub(&right.into())?;
    Ok(Money::from(difference).parts())
}

/// The same amount on the other side of zero.
#[uniffi::export]
pub fn negate_money(money: Money) -> MoneyParts {
    Money::from(komopay_core::Money::from(money).negated()).parts()
}

/// Which of two amounts of one currency is larger: below 0 if the right one is, 0 if none is.
#[uniffi::export]
pub fn compare_money(left: Money, right: Money) -> Result<Whole, CallFailure> {
    let order = komopay_core::Money::from(left).checked_cmp(&right.into())?;
    Ok(Whole::of_order(order))
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

/// Whom an error of this kind, about this field, concerns, as far as the two alone can say.
#[uniffi::export]
pub fn concern_of(kind: ErrorKind, field: Option<String>) -> Option<Concern> {
    komopay_core::ErrorKind::from(kind).concerns(field.as_deref()).map(Concern::from)
}
