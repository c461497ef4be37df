//! A payee known again across batches, without an account number in the journal.

use data_encoding::HEXLOWER;
use hmac::Mac;
use komopay_core::{PayoutMethod, PayoutRequest, Result};

use super::keys::{Key, Keys, feed};

/// Stands before everything that is hashed.
const FORM: &str = "komopay-payee-1";

/// How many bytes of the hash are kept: enough that no two payees ever meet, and an index stays small.
const KEPT: usize = 16;

impl Keys {
    /// The payee of a request, as a hash `KEYID:HEX` under each key of the ring: store the first, which is the current
    /// key's, and look for all of them.
    ///
    /// A payee is method, operator and account number; of a wallet without a number, its phone. How the number is
    /// spelled does not count: blanks, dashes, and capitals. It is empty for a wallet with neither, which nothing tells
    /// from another.
    pub(crate) fn payee_hashes(&self, request: &PayoutRequest) -> Result<Vec<String>> {
        let (operator, number) = match &request.method {
            PayoutMethod::BankTransfer(bank) => (Some(&bank.operator_code), Some(&bank.account.number)),
            PayoutMethod::CryptoTransfer(crypto) => (Some(&crypto.operator_code), Some(&crypto.account.number)),
            PayoutMethod::WalletTransfer(wallet) => {
                (wallet.operator_code.as_ref(), wallet.account.number.as_ref().or(wallet.phone_number.as_ref()))
            }
        };
        let number = number.map(|number| normalised(number)).filter(|number| !number.is_empty());
        let Some(number) = number else { return Ok(Vec::new()) };
        let method = request.method.code();
        let parts = [FORM, method.as_str(), operator.map_or("", String::as_str), &number];
        let hash = |key: &Key| {
            let mut mac = key.payee()?;
            for part in parts {
                feed(&mut mac, part.as_bytes());
            }
            let hash = mac.finalize().into_bytes();
            let hash = hash.first_chunk::<KEPT>().map_or(&hash[..], |hash| &hash[..]);
            Ok(format!("{}:{}", key.id, HEXLOWER.encode(hash)))
        };
        self.all().map(hash).collect()
    }
}

/// Letters and digits alone, in small letters. Of what has an `@`, a dot or a dash may tell two payees apart.
fn normalised(number: &str) -> String {
    let is_address = number.contains('@');
    let counts = |c: &char| if is_address { !c.is_whitespace() } else { c.is_alphanumeric() };
    number.chars().filter(counts).flat_map(char::to_lowercase).collect()
}
