//! The platform's code lists. All of them are open: a code that is not known here is kept as it came.

/// Defines an open list of codes: one variant per known code, and `Unknown` for the rest.
macro_rules! open_codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A code that this version does not know, as it came.
            Unknown(String),
        }

        impl $name {
            /// The codes known to this version.
            pub const KNOWN: &'static [&'static str] = &[$($code),+];

            /// The code as the platform writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Unknown(code) => code,
                }
            }
        }

        impl From<&str> for $name {
            fn from(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        /// As the platform writes it, fit for a log: of one that is not known, see [`Shown`](crate::Shown).
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&$crate::Shown(self.as_str()), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant => f.write_str(stringify!($variant)),)+
                    Self::Unknown(code) => f.debug_tuple("Unknown").field(&$crate::Shown(code)).finish(),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(code.as_ref()))
            }
        }
    };
}

pub(crate) use open_codes;

open_codes! {
    /// Where a payout stands (contract: `PaymentStatus`).
    PayoutStatus {
        /// The outcome is still open.
        Processing = "PROCESSING",
        /// The money was sent.
        Success = "SUCCESS",
        /// Accepted, then failed: see the failure reason.
        Failed = "FAILED",
        /// The platform declined to process it.
        Refused = "REFUSED",
    }
}

impl PayoutStatus {
    /// Whether the outcome is decided. An unknown status never is.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Refused)
    }
}

open_codes! {
    /// How the money reaches the payee (contract: `PaymentMethodCode`).
    MethodCode {
        /// To a bank account.
        BankTransfer = "BANK_TRANSFER",
        /// To a crypto wallet.
        CryptoTransfer = "CRYPTO_TRANSFER",
        /// To an electronic wallet.
        WalletTransfer = "WALLET_TRANSFER",
    }
}

open_codes! {
    /// Why a payout failed or was refused (contract: `FailureReasonCode`). Some codes concern incoming money only.
    FailureCode {
        /// A fault of the platform.
        System = "SYSTEM",
        /// Processing went wrong.
        PaymentProcessError = "PAYMENT_PROCESS_ERROR",
        /// The payment expired.
        EntityExpired = "ENTITY_EXPIRED",
        /// Another amount was confirmed.
        DifferentAmountConfirmed = "DIFFERENT_AMOUNT_CONFIRMED",
        /// The currency is not supported.
        CurrencyNotSupported = "CURRENCY_NOT_SUPPORTED",
        /// More decimals than the currency allows.
        CurrencyPrecisionExceeded = "CURRENCY_PRECISION_EXCEEDED",
        /// The payment method does not exist.
        PaymentMethodNotFound = "PAYMENT_METHOD_NOT_FOUND",
        /// The payment method failed.
        PaymentMethodError = "PAYMENT_METHOD_ERROR",
        /// The operator does not exist.
        PaymentOperatorNotFound = "PAYMENT_OPERATOR_NOT_FOUND",
        /// The operator does not fit the method.
        PaymentOperatorInvalid = "PAYMENT_OPERATOR_INVALID",
        /// The operator is out of service.
        PaymentOperatorUnavailable = "PAYMENT_OPERATOR_UNAVAILABLE",
        /// No active channel.
        PaymentChannelNoActiveFound = "PAYMENT_CHANNEL_NO_ACTIVE_FOUND",
        /// No open channel.
        PaymentChannelNoOpenedFound = "PAYMENT_CHANNEL_NO_OPENED_FOUND",
        /// No channel for the segment.
        PaymentChannelNoSegmentFound = "PAYMENT_CHANNEL_NO_SEGMENT_FOUND",
        /// Outside the limits of the channel.
        PaymentChannelAmountLimits = "PAYMENT_CHANNEL_AMOUNT_LIMITS",
        /// Over the daily limit of the channel.
        PaymentChannelDailyLimits = "PAYMENT_CHANNEL_DAILY_LIMITS",
        /// The customer's IP address is blocked.
        IpDenied = "IP_DENIED",
        /// The merchant's balance is too small.
        BalanceInsufficient = "BALANCE_INSUFFICIENT",
        /// The account number does not exist.
        InvalidAccountNumber = "INVALID_ACCOUNT_NUMBER",
        /// The account name does not fit the number.
        InvalidAccountName = "INVALID_ACCOUNT_NAME",
        /// The account has another currency.
        IncorrectCurrency = "INCORRECT_CURRENCY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_is_kept_in_its_own_words() {
        for code in PayoutStatus::KNOWN {
            assert!(!matches!(PayoutStatus::from(*code), PayoutStatus::Unknown(_)));
            assert_eq!(PayoutStatus::from(*code).as_str(), *code);
        }
        for code in FailureCode::KNOWN {
            assert!(!matches!(FailureCode::from(*code), FailureCode::Unknown(_)));
            assert_eq!(FailureCode::from(*code).as_str(), *code);
        }
        assert_eq!(FailureCode::KNOWN.len(), 21);
    }

    #[test]
    fn an_unknown_status_is_kept_and_is_never_final() {
        let status: PayoutStatus = serde_json::from_str(r#""ON_HOLD""#).unwrap();
        assert_eq!(status, PayoutStatus::Unknown("ON_HOLD".to_owned()));
        assert!(!status.is_final());
        assert!(!PayoutStatus::Processing.is_final());
        assert!(
            PayoutStatus::Success.is_final() && PayoutStatus::Failed.is_final() && PayoutStatus::Refused.is_final()
        );
    }

    #[test]
    fn an_unknown_code_is_shown_fit_for_a_log() {
        let status = PayoutStatus::from("HELD for 0123-4567\nINFO paid\u{202e}");
        for shown in [status.to_string(), format!("{status:?}")] {
            assert!(shown.contains("HELD for [hidden] INFO paid") && !shown.contains('\n'), "{shown}");
        }
        assert_eq!((PayoutStatus::from("ON_HOLD").to_string(), status.as_str().len()), ("ON_HOLD".to_owned(), 31));
        assert_eq!(format!("{:?} {:?}", PayoutStatus::Success, PayoutStatus::from("X")), "Success Unknown(\"X\")");
    }
}
