//! What comes out of a create and a read, and the open code lists.

use std::fmt;

use crate::money::Money;
use crate::scalar::Moment;

/// A list of codes that the platform may extend: what is not known comes as `Unknown`, in its own words.
macro_rules! open_codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, uniffi::Enum)]
        #[uniffi::export(Debug, Display)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A code that this version does not know.
            Unknown {
                /// As it came.
                text: String,
            },
        }

        #[uniffi::export]
        impl $name {
            /// The code as it is on the wire.
            pub fn code(&self) -> String {
                komopay_core::$name::from(self.clone()).as_str().to_owned()
            }
        }

        impl From<komopay_core::$name> for $name {
            fn from(code: komopay_core::$name) -> Self {
                match code {
                    $(komopay_core::$name::$variant => Self::$variant,)+
                    komopay_core::$name::Unknown(text) => Self::Unknown { text },
                }
            }
        }

        impl From<$name> for komopay_core::$name {
            fn from(code: $name) -> Self {
                match code {
                    $($name::$variant => Self::$variant,)+
                    $name::Unknown { text } => Self::from(text.as_str()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&komopay_core::$name::from(self.clone()), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use open_codes;

open_codes! {
    /// Where a payout stands.
    PayoutStatus {
        /// The outcome is still open.
        Processing,
        /// The money was sent.
        Success,
        /// Accepted, then failed: see the failure reason.
        Failed,
        /// The platform declined to process it.
        Refused,
    }
}

#[uniffi::export]
impl PayoutStatus {
    /// Whether it will not change any more. An unknown status is never final.
    pub fn is_final(&self) -> bool {
        komopay_core::PayoutStatus::from(self.clone()).is_final()
    }
}

open_codes! {
    /// How a payment is made.
    MethodCode {
        /// To a bank account.
        BankTransfer,
        /// To a crypto wallet.
        CryptoTransfer,
        /// To an electronic wallet.
        WalletTransfer,
    }
}

open_codes! {
    /// Why a payout failed or was refused.
    FailureCode {
        /// A fault of the platform.
        System,
        /// The payment could not be processed.
        PaymentProcessError,
        /// It took too long.
        EntityExpired,
        /// Another amount was confirmed.
        DifferentAmountConfirmed,
        /// The currency is not supported.
        CurrencyNotSupported,
        /// The amount has more decimals than the currency.
        CurrencyPrecisionExceeded,
        /// There is no such method.
        PaymentMethodNotFound,
        /// The method failed.
        PaymentMethodError,
        /// There is no such operator.
        PaymentOperatorNotFound,
        /// The operator cannot be used for this.
        PaymentOperatorInvalid,
        /// The operator is not available.
        PaymentOperatorUnavailable,
        /// No channel is active.
        PaymentChannelNoActiveFound,
        /// No channel is open.
        PaymentChannelNoOpenedFound,
        /// No channel serves the segment.
        PaymentChannelNoSegmentFound,
        /// The amount is outside the channel's limits.
        PaymentChannelAmountLimits,
        /// The channel's daily limit is used up.
        PaymentChannelDailyLimits,
        /// The customer's IP address is denied.
        IpDenied,
        /// The balance is too low.
        BalanceInsufficient,
        /// There is no such account.
        InvalidAccountNumber,
        /// The holder has another name.
        InvalidAccountName,
        /// The account is in another currency.
        IncorrectCurrency,
    }
}

/// The platform took the payout. This is not completion: follow it with `waitForPayout`.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PayoutAccepted {
    /// The merchant's id.
    pub payout_id: String,
    /// The platform's id, if the answer carried one.
    pub payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    pub reference: Option<String>,
    /// The money, as the platform repeats it.
    pub money: Money,
    /// The method, as the platform repeats it.
    pub method_code: MethodCode,
    /// The segment, if the platform repeats one.
    pub segment_code: Option<String>,
    /// The currency to exchange into, if the platform repeats one.
    pub exchanged_to_currency: Option<String>,
    /// True if the answer to the create was lost and the payout was found by reading it.
    ///
    /// That proves id, money, method and age, **not the payee**: the platform never repeats the account.
    pub recovered: bool,
    /// The payout that was found, if `recovered`.
    pub payout: Option<Payout>,
    /// The answer's JSON as it came.
    pub raw: String,
}

/// A payout with its status.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Payout {
    /// The merchant's id.
    pub payout_id: String,
    /// The platform's id, if the answer carried one.
    pub payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    pub reference: Option<String>,
    /// The money that was asked for.
    pub money: Money,
    /// The method that was asked for.
    pub method_code: MethodCode,
    /// The segment, if there is one.
    pub segment_code: Option<String>,
    /// The currency to exchange into, if there is one.
    pub exchanged_to_currency: Option<String>,
    /// Where it stands.
    pub status: PayoutStatus,
    /// Why it failed or was refused, if the platform says so.
    pub failure_reason: Option<FailureReason>,
    /// When the platform accepted it.
    pub created_at: Option<Moment>,
    /// When it was processed.
    pub processed_at: Option<Moment>,
    /// Whether a test merchant or test channel was used.
    pub is_test: Option<bool>,
    /// The status at an external processor. It says nothing about the outcome; use `status`.
    pub processor_status: Option<String>,
    /// The fee charged to the merchant.
    pub fee: Option<Money>,
    /// The answer's JSON as it came.
    pub raw: String,
}

/// Why a payout failed or was refused.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct FailureReason {
    /// The platform's code.
    pub code: FailureCode,
    /// When it failed.
    pub failed_at: Option<Moment>,
    /// The platform's own text.
    pub message: Option<String>,
}

impl From<komopay_core::PayoutAccepted> for PayoutAccepted {
    fn from(accepted: komopay_core::PayoutAccepted) -> Self {
        let komopay_core::PayoutAccepted {
            payout_id,
            payment_id,
            reference,
            money,
            method_code,
            segment_code,
            exchanged_to_currency,
            recovered,
            payout,
            raw,
        } = accepted;
        Self {
            payout_id: payout_id.to_string(),
            payment_id,
            reference,
            money: money.into(),
            method_code: method_code.into(),
            segment_code,
            exchanged_to_currency,
            recovered,
            payout: payout.map(Payout::from),
            raw: raw.as_str().to_owned(),
        }
    }
}

impl From<komopay_core::Payout> for Payout {
    fn from(payout: komopay_core::Payout) -> Self {
        let komopay_core::Payout {
            payout_id,
            payment_id,
            reference,
            money,
            method_code,
            segment_code,
            exchanged_to_currency,
            status,
            failure_reason,
            created_at,
            processed_at,
            is_test,
            processor_status,
            fee,
            raw,
        } = payout;
        Self {
            payout_id: payout_id.to_string(),
            payment_id,
            reference,
            money: money.into(),
            method_code: method_code.into(),
            segment_code,
            exchanged_to_currency,
            status: status.into(),
            failure_reason: failure_reason.map(FailureReason::from),
            created_at: created_at.map(Moment::from),
            processed_at: processed_at.map(Moment::from),
            is_test,
            processor_status,
            fee: fee.map(Money::from),
            raw: raw.as_str().to_owned(),
        }
    }
}

impl From<komopay_core::FailureReason> for FailureReason {
    fn from(reason: komopay_core::FailureReason) -> Self {
        let komopay_core::FailureReason { code, failed_at, message } = reason;
        Self { code: code.into(), failed_at: failed_at.map(Moment::from), message }
    }
}

/// What is shown is what the core shows: not the answer's JSON, and no text of the platform's.
impl fmt::Debug for PayoutAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutAccepted")
            .field("payout_id", &self.payout_id)
            .field("payment_id", &self.payment_id)
            .field("money", &self.money)
            .field("method_code", &self.method_code)
            .field("recovered", &self.recovered)
            .field("payout", &self.payout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Payout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payout")
            .field("payout_id", &self.payout_id)
            .field("payment_id", &self.payment_id)
            .field("money", &self.money)
            .field("method_code", &self.method_code)
            .field("status", &self.status)
            .field("failure_code", &self.failure_reason.as_ref().map(|reason| &reason.code))
            .field("created_at", &self.created_at)
            .field("fee", &self.fee)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("FailureReason");
        shown.field("code", &self.code).field("failed_at", &self.failed_at).finish_non_exhaustive()
    }
}

/// Shown to people and to programmers alike.
macro_rules! display_as_debug {
    ($($name:ty),+) => {
        $(impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        })+
    };
}

pub(crate) use display_as_debug;

display_as_debug!(PayoutAccepted, Payout, FailureReason);
