//! What goes into a create. What shows itself does so as the core does: accounts masked, persons hidden.

use std::fmt;

use crate::error::CallFailure;
use crate::money::Money;
use crate::payout::display_as_debug;

/// A payout to be made.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PayoutRequest {
    /// How much, in which currency.
    pub money: Money,
    /// How it reaches the payee.
    pub method: PayoutMethod,
    /// The customer's segment, where the merchant uses segments.
    #[uniffi(default = None)]
    pub segment_code: Option<String>,
    /// The currency to exchange into.
    #[uniffi(default = None)]
    pub exchanged_to_currency: Option<String>,
    /// Where the platform posts status changes, at most 1000 characters.
    #[uniffi(default = None)]
    pub callback_url: Option<String>,
    /// The customer's IPv4 or IPv6 address.
    #[uniffi(default = None)]
    pub customer_ip: Option<String>,
}

/// How a payout reaches the payee.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Debug, Display)]
pub enum PayoutMethod {
    /// A transfer to a bank account.
    BankTransfer {
        /// The bank's code, such as `IDR_014`; `payoutOptions` lists the real ones.
        operator_code: String,
        /// The receiving account.
        account: BankAccount,
        /// The payee's e-mail address.
        #[uniffi(default = None)]
        email_address: Option<String>,
        /// Free text.
        #[uniffi(default = None)]
        remark: Option<String>,
    },
    /// A transfer to a crypto wallet.
    CryptoTransfer {
        /// The blockchain's code.
        operator_code: String,
        /// The receiving wallet.
        account: CryptoAccount,
        /// Free text.
        #[uniffi(default = None)]
        remark: Option<String>,
    },
    /// A transfer to an electronic wallet.
    WalletTransfer {
        /// The receiving wallet.
        account: WalletAccount,
        /// The wallet provider's code; optional here, unlike for the other methods.
        #[uniffi(default = None)]
        operator_code: Option<String>,
        /// The payee's phone, international, 7 to 16 characters.
        #[uniffi(default = None)]
        phone_number: Option<String>,
        /// Free text.
        #[uniffi(default = None)]
        remark: Option<String>,
    },
}

/// A receiving bank account.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct BankAccount {
    /// The holder's name: letters of any script and a little punctuation, no digits, 1 to 64.
    pub name: String,
    /// The account number.
    pub number: String,
    /// The kind of account; required for JPY and ZAR.
    #[uniffi(default = None)]
    pub account_type: Option<String>,
    /// The bank's own code; for INR the IFSC, required there.
    #[uniffi(default = None)]
    pub bank_code: Option<String>,
    /// The bank's name.
    #[uniffi(default = None)]
    pub bank_name: Option<String>,
    /// The branch; required for JPY.
    #[uniffi(default = None)]
    pub bank_branch: Option<String>,
    /// The bank's city.
    #[uniffi(default = None)]
    pub bank_city: Option<String>,
    /// The bank's province.
    #[uniffi(default = None)]
    pub bank_province: Option<String>,
}

/// A receiving crypto wallet.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct CryptoAccount {
    /// The wallet's address: letters and digits, 1 to 62.
    pub number: String,
}

/// A receiving electronic wallet; it may be empty.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct WalletAccount {
    /// The holder's name; required for INR.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// The wallet's address, `user@provider`, 1 to 100 characters.
    #[uniffi(default = None)]
    pub number: Option<String>,
}

/// A keyed, canonical digest of the whole request, payee included.
#[uniffi::export]
fn fingerprint(request: PayoutRequest, key: Vec<u8>) -> Result<String, CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).fingerprint(&key)?)
}

/// Whether a stored fingerprint, of this form or the one before it, is this request's.
#[uniffi::export]
fn matches_fingerprint(request: PayoutRequest, key: Vec<u8>, stored: String) -> Result<bool, CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).matches_fingerprint(&key, &stored)?)
}

/// Checks every limit of the contract, and the rules of single currencies.
#[uniffi::export]
fn validate(request: PayoutRequest) -> Result<(), CallFailure> {
    Ok(komopay_core::PayoutRequest::from(request).validate()?)
}

impl From<PayoutRequest> for komopay_core::PayoutRequest {
    fn from(request: PayoutRequest) -> Self {
        let PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = request;
        Self {
            money: money.into(),
            method: method.into(),
            segment_code,
            exchanged_to_currency,
            callback_url,
            customer_ip,
        }
    }
}

impl From<PayoutMethod> for komopay_core::PayoutMethod {
    fn from(method: PayoutMethod) -> Self {
        match method {
            PayoutMethod::BankTransfer { operator_code, account, email_address, remark } => {
                Self::BankTransfer(komopay_core::BankTransfer {
                    operator_code,
                    account: account.into(),
                    email_address,
                    remark,
                })
            }
            PayoutMethod::CryptoTransfer { operator_code, account, remark } => {
                Self::CryptoTransfer(komopay_core::CryptoTransfer { operator_code, account: account.into(), remark })
            }
            PayoutMethod::WalletTransfer { account, operator_code, phone_number, remark } => {
                Self::WalletTransfer(komopay_core::WalletTransfer {
                    operator_code,
                    account: account.into(),
                    phone_number,
                    remark,
                })
            }
        }
    }
}

impl From<BankAccount> for komopay_core::BankAccount {
    fn from(account: BankAccount) -> Self {
        let BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } =
            account;
        Self { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province }
    }
}

impl From<CryptoAccount> for komopay_core::CryptoAccount {
    fn from(account: CryptoAccount) -> Self {
        let CryptoAccount { number } = account;
        Self { number }
    }
}

impl From<WalletAccount> for komopay_core::WalletAccount {
    fn from(account: WalletAccount) -> Self {
        let WalletAccount { name, number } = account;
        Self { name, number }
    }
}

macro_rules! debug_as_core {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&komopay_core::$name::from(self.clone()), f)
            }
        })+
    };
}

debug_as_core!(PayoutRequest, PayoutMethod, BankAccount, CryptoAccount, WalletAccount);
display_as_debug!(PayoutRequest, PayoutMethod, BankAccount, CryptoAccount, WalletAccount);
