//! Our own words: the contract's names and codes. Whoever has one of them for a name does not take it out of a text.

/// The attributes that a request of the contract has, and its parameters.
const ATTRIBUTES: &[&str] = &[
    "Id-Customer",
    "X-API-Version",
    "account",
    "accountName",
    "accountNumber",
    "accountType",
    "amount",
    "bankBranch",
    "bankCity",
    "bankCode",
    "bankName",
    "bankProvince",
    "callbackUrl",
    "currencyCode",
    "currencyCodes",
    "customerIp",
    "emailAddress",
    "exchangedToCurrency",
    "idPayout",
    "merchantCode",
    "money",
    "operations",
    "paymentMethod",
    "paymentMethodCode",
    "paymentMethodCodes",
    "paymentOperatorCode",
    "paymentOperatorCodes",
    "paymentRequested",
    "paymentTypeCode",
    "phoneNumber",
    "remark",
    "secret",
    "segmentCode",
    "segmentCodes",
    "token",
    "validitySecs",
];

/// The codes of refusals, of failures, and of what a request may ask for; and the statuses of a payout.
const CODES: &[&str] = &[
    "BALANCE_INSUFFICIENT",
    "BANK_CODE_REQUIRED",
    "BANK_TRANSFER",
    "CLIENT_IP_INVALID",
    "CRYPTO_TRANSFER",
    "CURRENCY_NOT_SUPPORTED",
    "CURRENCY_PRECISION_EXCEEDED",
    "DIFFERENT_AMOUNT_CONFIRMED",
    "ENTITY_EXPIRED",
    "FAILED",
    "INCORRECT_CURRENCY",
    "INVALID_ACCOUNT_NAME",
    "INVALID_ACCOUNT_NUMBER",
    "IP_DENIED",
    "MERCHANT_INACTIVE",
    "MERCHANT_NOT_FOUND",
    "OPERATION_INVALID",
    "PAYIN",
    "PAYMENT_CHANNEL_AMOUNT_LIMITS",
    "PAYMENT_CHANNEL_DAILY_LIMITS",
    "PAYMENT_CHANNEL_NO_ACTIVE_FOUND",
    "PAYMENT_CHANNEL_NO_OPENED_FOUND",
    "PAYMENT_CHANNEL_NO_SEGMENT_FOUND",
    "PAYMENT_METHOD_CODE_INVALID",
    "PAYMENT_METHOD_ERROR",
    "PAYMENT_METHOD_NOT_FOUND",
    "PAYMENT_OPERATOR_CODE_INVALID",
    "PAYMENT_OPERATOR_INVALID",
    "PAYMENT_OPERATOR_NOT_FOUND",
    "PAYMENT_OPERATOR_REQUIRED",
    "PAYMENT_OPERATOR_UNAVAILABLE",
    "PAYMENT_PROCESS_ERROR",
    "PAYOUT",
    "PROCESSING",
    "REFUSED",
    "SEGMENT_CODE_INVALID",
    "SUCCESS",
    "SYSTEM",
    "WALLET_TRANSFER",
];

/// Whether it is a code of the contract.
pub(super) fn is_code(text: &str) -> bool {
    CODES.contains(&text)
}

/// Whether it is an attribute of the contract, or the path of one: `paymentMethod.account.accountNumber`,
/// `operations[0]`.
pub(super) fn is_attribute(text: &str) -> bool {
    let is_index = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split(['.', '[']);
    parts.next().is_some_and(|name| ATTRIBUTES.contains(&name))
        && parts.all(|part| {
            let part = part.strip_suffix(']').unwrap_or(part);
            ATTRIBUTES.contains(&part) || is_index(part)
        })
}

/// Whether a word of a text is ours, and no word of ordinary language, which may be anybody's name.
pub(super) fn is_our_word(word: &str) -> bool {
    let is_compound = |word: &str| word.contains('.') || word.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    (word.contains('_') && is_code(word)) || (is_compound(word) && is_attribute(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_are_the_contracts() {
        let contract = include_str!("../../../tests/contract/payout-api.yaml");
        for word in ATTRIBUTES.iter().chain(CODES) {
            assert!(contract.contains(word), "{word}");
        }
    }

    #[test]
    fn every_code_that_a_payout_fails_with_is_ours() {
        for code in crate::FailureCode::KNOWN {
            assert!(is_code(code), "{code}");
        }
    }

    #[test]
    fn paths_of_attributes_are_known_and_words_of_the_language_are_anybodys() {
        for path in ["paymentMethod.account.accountNumber", "operations[0]", "operations.0", "money", "Id-Customer"] {
            assert!(is_attribute(path), "{path}");
        }
        for path in ["", ".", "payee", "paymentMethod.payee", "money.12345678", "money]", "[0]", "money."] {
            assert!(!is_attribute(path), "{path}");
        }
        assert!(is_our_word("paymentOperatorCode") && is_our_word("money.amount") && is_our_word("IP_DENIED"));
        assert!(!is_our_word("money") && !is_our_word("secret") && !is_our_word("FAILED"));
    }
}
