//! The ledger: what the gateway really did with money, whatever it told anyone.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// What happened to the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// The gateway took the payout: the money went from available to pending. Once per executed create.
    Executed,
    /// The payout ended `SUCCESS`, or was corrected to it: the money has left the balance.
    Booked,
    /// The payout ended `FAILED` or `REFUSED`, or was corrected to that from `SUCCESS`: the money is available again.
    Released,
}

impl fmt::Display for LedgerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Executed => "executed",
            Self::Booked => "booked",
            Self::Released => "released",
        })
    }
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// 1, 2, 3, ... in the order in which things happened.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: LedgerKind,
    /// The id the merchant chose.
    pub payout_id: String,
    /// How much, in major units. Over HTTP a decimal string.
    #[serde(serialize_with = "as_text")]
    pub amount: Decimal,
    /// The currency's code.
    pub currency: String,
    /// Who was paid: equal for equal payees, and keyed, so that it gives no account number away.
    pub payee_hash: String,
}

impl fmt::Display for LedgerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, at, kind, payout_id, amount, currency, payee_hash } = self;
        write!(f, "{sequence:>4} {at:.3} {kind:<8} {payout_id} {amount} {currency} payee {payee_hash}")
    }
}

/// The balance in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// All money on the account, pending payouts included.
    #[serde(serialize_with = "as_text")]
    pub balance: Decimal,
    /// What can be paid out now.
    #[serde(serialize_with = "as_text")]
    pub available: Decimal,
    /// What payouts in processing hold.
    #[serde(serialize_with = "as_text")]
    pub pending_payout: Decimal,
}

/// A keyed digest of the payee: SHA-256 over key, method and account fields, the first 16 hex digits.
pub(crate) fn payee_hash(seed: u64, method_code: &str, account_fields: &[(&str, &str)]) -> String {
    let mut digest = Sha256::new();
    digest.update(seed.to_be_bytes());
    for part in std::iter::once(method_code).chain(account_fields.iter().flat_map(|(name, value)| [*name, *value])) {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn as_text<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}
