//! Account numbers that decide how a payout ends.
//!
//! The digits of the account number before any `@` are compared with the table, whatever the payment method:
//! `9000000015`, `9000000015@test` and the crypto address `T9000000015` all end the same way. Every other account
//! number ends `SUCCESS`.
//!
//! | digits | status | failure reason |
//! |---|---|---|
//! | `9000000001` | FAILED | SYSTEM |
//! | `9000000002` | FAILED | PAYMENT_PROCESS_ERROR |
//! | `9000000003` | FAILED | ENTITY_EXPIRED |
//! | `9000000004` | FAILED | DIFFERENT_AMOUNT_CONFIRMED |
//! | `9000000005` | FAILED | CURRENCY_NOT_SUPPORTED |
//! | `9000000006` | FAILED | CURRENCY_PRECISION_EXCEEDED |
//! | `9000000007` | FAILED | PAYMENT_METHOD_NOT_FOUND |
//! | `9000000008` | FAILED | PAYMENT_METHOD_ERROR |
//! | `9000000009` | FAILED | PAYMENT_OPERATOR_NOT_FOUND |
//! | `9000000010` | FAILED | PAYMENT_OPERATOR_INVALID |
//! | `9000000011` | FAILED | PAYMENT_OPERATOR_UNAVAILABLE |
//! | `9000000012` | FAILED | PAYMENT_CHANNEL_NO_ACTIVE_FOUND |
//! | `9000000013` | FAILED | PAYMENT_CHANNEL_NO_OPENED_FOUND |
//! | `9000000014` | FAILED | PAYMENT_CHANNEL_NO_SEGMENT_FOUND |
//! | `9000000015` | FAILED | PAYMENT_CHANNEL_AMOUNT_LIMITS |
//! | `9000000016` | FAILED | PAYMENT_CHANNEL_DAILY_LIMITS |
//! | `9000000017` | FAILED | IP_DENIED |
//! | `9000000018` | FAILED | BALANCE_INSUFFICIENT |
//! | `9000000019` | FAILED | INVALID_ACCOUNT_NUMBER |
//! | `9000000020` | FAILED | INVALID_ACCOUNT_NAME |
//! | `9000000021` | FAILED | INCORRECT_CURRENCY |
//! | `9000000031` | REFUSED | IP_DENIED |
//! | `9000000032` | REFUSED | PAYMENT_CHANNEL_DAILY_LIMITS |
//! | `9000000033` | REFUSED | none given |
//! | `9000000099` | PROCESSING | stays so for ever |

/// How a payout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `SUCCESS`: the money is booked.
    Success,
    /// `FAILED` with this failure reason: the money is released.
    Failed(&'static str),
    /// `REFUSED`, with or without a failure reason (the contract never requires one): the money is released.
    Refused(Option<&'static str>),
    /// `PROCESSING` for ever: the money stays pending.
    Processing,
}

/// The digits and the outcome they bring about.
pub const MAGIC_NUMBERS: [(&str, Outcome); 25] = [
    ("9000000001", Outcome::Failed("SYSTEM")),
    ("9000000002", Outcome::Failed("PAYMENT_PROCESS_ERROR")),
    ("9000000003", Outcome::Failed("ENTITY_EXPIRED")),
    ("9000000004", Outcome::Failed("DIFFERENT_AMOUNT_CONFIRMED")),
    ("9000000005", Outcome::Failed("CURRENCY_NOT_SUPPORTED")),
    ("9000000006", Outcome::Failed("CURRENCY_PRECISION_EXCEEDED")),
    ("9000000007", Outcome::Failed("PAYMENT_METHOD_NOT_FOUND")),
    ("9000000008", Outcome::Failed("PAYMENT_METHOD_ERROR")),
    ("9000000009", Outcome::Failed("PAYMENT_OPERATOR_NOT_FOUND")),
    ("9000000010", Outcome::Failed("PAYMENT_OPERATOR_INVALID")),
    ("9000000011", Outcome::Failed("PAYMENT_OPERATOR_UNAVAILABLE")),
    ("9000000012", Outcome::Failed("PAYMENT_CHANNEL_NO_ACTIVE_FOUND")),
    ("9000000013", Outcome::Failed("PAYMENT_CHANNEL_NO_OPENED_FOUND")),
    ("9000000014", Outcome::Failed("PAYMENT_CHANNEL_NO_SEGMENT_FOUND")),
    ("9000000015", Outcome::Failed("PAYMENT_CHANNEL_AMOUNT_LIMITS")),
    ("9000000016", Outcome::Failed("PAYMENT_CHANNEL_DAILY_LIMITS")),
    ("9000000017", Outcome::Failed("IP_DENIED")),
    ("9000000018", Outcome::Failed("BALANCE_INSUFFICIENT")),
    ("9000000019", Outcome::Failed("INVALID_ACCOUNT_NUMBER")),
    ("9000000020", Outcome::Failed("INVALID_ACCOUNT_NAME")),
    ("9000000021", Outcome::Failed("INCORRECT_CURRENCY")),
    ("9000000031", Outcome::Refused(Some("IP_DENIED"))),
    ("9000000032", Outcome::Refused(Some("PAYMENT_CHANNEL_DAILY_LIMITS"))),
    ("9000000033", Outcome::Refused(None)),
    ("9000000099", Outcome::Processing),
];

/// The digits that decide the end of a payout to this account number, if there are such in it.
pub(crate) fn digits_of(account_number: &str) -> Option<&'static str> {
    row_of(account_number).map(|(digits, _)| *digits)
}

fn row_of(account_number: &str) -> Option<&'static (&'static str, Outcome)> {
    let local_part = account_number.split('@').next().unwrap_or_default();
    let digits: String = local_part.chars().filter(char::is_ascii_digit).collect();
    MAGIC_NUMBERS.iter().find(|(number, _)| *number == digits)
}

impl Outcome {
    /// The outcome for an account number of any payment method.
    ///
    /// ```
    /// use komopay_sandbox::magic::Outcome;
    ///
    /// assert_eq!(Outcome::of_account("9000000019@test"), Outcome::Failed("INVALID_ACCOUNT_NUMBER"));
    /// assert_eq!(Outcome::of_account("11223344"), Outcome::Success);
    /// ```
    #[must_use]
    pub fn of_account(account_number: &str) -> Self {
        row_of(account_number).map_or(Self::Success, |(_, outcome)| *outcome)
    }

    /// The outcome of this status and failure reason. Without a reason `FAILED` is `FAILED` `SYSTEM`.
    ///
    /// # Errors
    /// A text that lists what there is, if there is no such status, or not with this reason.
    ///
    /// ```
    /// use komopay_sandbox::magic::Outcome;
    ///
    /// assert_eq!(Outcome::named("FAILED", Some("IP_DENIED")), Ok(Outcome::Failed("IP_DENIED")));
    /// assert_eq!(Outcome::named("REFUSED", None), Ok(Outcome::Refused(None)));
    /// assert!(Outcome::named("SUCCESS", Some("IP_DENIED")).is_err());
    /// ```
    pub fn named(status: &str, failure_reason: Option<&str>) -> Result<Self, String> {
        let reasons = || MAGIC_NUMBERS.iter().filter_map(|(_, outcome)| outcome.failure_reason());
        let reason = match failure_reason {
            None => None,
            Some(wanted) => Some(reasons().find(|reason| *reason == wanted).ok_or_else(|| {
                let mut all: Vec<_> = reasons().collect();
                all.sort_unstable();
                all.dedup();
                format!("there is no failure reason {wanted}; there is {}", all.join(", "))
            })?),
        };
        match (status, reason) {
            ("SUCCESS", None) => Ok(Self::Success),
            ("PROCESSING", None) => Ok(Self::Processing),
            ("FAILED", reason) => Ok(Self::Failed(reason.unwrap_or("SYSTEM"))),
            ("REFUSED", reason) => Ok(Self::Refused(reason)),
            ("SUCCESS" | "PROCESSING", Some(_)) => Err(format!("{status} has no failure reason")),
            _ => Err(format!("there is no status {status}; there is SUCCESS, FAILED, REFUSED, PROCESSING")),
        }
    }

    /// The status a payout has when it has ended.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed(_) => "FAILED",
            Self::Refused(_) => "REFUSED",
            Self::Processing => "PROCESSING",
        }
    }

    /// The failure reason's code, if there is one.
    #[must_use]
    pub fn failure_reason(self) -> Option<&'static str> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Refused(code) => code,
            Self::Success | Self::Processing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<String> {
        MAGIC_NUMBERS
            .iter()
            .map(|(digits, outcome)| {
                let reason = match outcome {
                    Outcome::Processing => "stays so for ever",
                    _ => outcome.failure_reason().unwrap_or("none given"),
                };
                format!("| `{digits}` | {} | {reason} |", outcome.status())
            })
            .collect()
    }

    fn rows<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
        text.lines().filter_map(|line| line.strip_prefix(prefix)).filter(|line| line.starts_with("| `9")).collect()
    }

    #[test]
    fn the_documented_tables_are_the_table_in_the_code() {
        assert_eq!(rows(include_str!("magic.rs"), "//! "), table());
        assert_eq!(rows(include_str!("../../README.md"), ""), table());
    }

    #[test]
    fn the_digits_before_the_at_sign_decide() {
        assert_eq!(Outcome::of_account("9000000001"), Outcome::Failed("SYSTEM"));
        assert_eq!(Outcome::of_account("9000000001@bank.2"), Outcome::Failed("SYSTEM"));
        assert_eq!(Outcome::of_account("T9000000001Demo"), Outcome::Failed("SYSTEM"));
        assert_eq!(Outcome::of_account("90000000011"), Outcome::Success);
        assert_eq!(Outcome::of_account(""), Outcome::Success);
    }
}
