//! What a report shows of an item.

use std::fmt;

use jiff::Timestamp;
use komopay_core::{
    ErrorKind, FailureCode, Masked, MethodCode, Money, PayoutId, PayoutMethod, PayoutRequest, PayoutStatus, Shown,
};

use crate::attention::Attention;
use crate::item::ItemState;

/// What came of one item, as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportItem {
    /// The merchant's own name of the item: the value of the unique column. It is shown as it is, so it should be no
    /// payee's name, number or address.
    pub key: String,
    /// The id of its payout.
    pub payout_id: PayoutId,
    /// The platform's own id of the payment, if it told one.
    pub payment_id: Option<String>,
    /// The row of the input that it came from, the first one being 1; none of an item that came one by one.
    pub row: Option<u64>,
    /// Where it stands.
    pub state: ItemState,
    /// How much was asked for.
    pub money: Money,
    /// How it reaches the payee.
    pub method: MethodCode,
    /// Through whom, if the request says so.
    pub operator: Option<String>,
    /// The payee's account, masked; none once payees are erased.
    pub account: Option<MaskedAccount>,
    /// The fee charged to the merchant, where the platform told it. Its currency may be another one.
    pub fee: Option<Money>,
    /// The status that the platform last told.
    pub platform_status: Option<PayoutStatus>,
    /// Why it failed or was refused, if the platform said so.
    pub failure: Option<FailureCode>,
    /// The codes of the business rules that said no, if it was rejected.
    pub reasons: Vec<String>,
    /// The kind of the error that the last try to send it ended with, if it did.
    pub error_kind: Option<ErrorKind>,
    /// Why it needs a person.
    pub attention: Option<Attention>,
    /// What a person, or a rule, gave as the reason. It is shown without its long numbers.
    pub why: Option<String>,
    /// The key of the item that this one is a new try of.
    pub replaces: Option<String>,
    /// The key of the item that is a new try of this one.
    pub replaced_by: Option<String>,
    /// How many requests were made for it, as far as they were noted.
    pub attempts: u32,
    /// When it last changed, by the journal's clock.
    pub updated_at: Option<Timestamp>,
}

impl ReportItem {
    /// An item with what every item has; the rest is public.
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        payout_id: PayoutId,
        state: ItemState,
        money: Money,
        method: MethodCode,
    ) -> Self {
        Self {
            key: key.into(),
            payout_id,
            payment_id: None,
            row: None,
            state,
            money,
            method,
            operator: None,
            account: None,
            fee: None,
            platform_status: None,
            failure: None,
            reasons: Vec::new(),
            error_kind: None,
            attention: None,
            why: None,
            replaces: None,
            replaced_by: None,
            attempts: 0,
            updated_at: None,
        }
    }

    /// The codes of the rules that said no, as they may be shown.
    pub(super) fn rules(&self) -> Vec<String> {
        self.reasons.iter().map(|code| Shown(code).to_string()).collect()
    }

    /// The platform's codes of why not, in one text.
    pub(super) fn codes(&self) -> String {
        let failure = self.failure.iter().map(FailureCode::to_string);
        failure.chain(self.rules()).collect::<Vec<_>>().join(", ")
    }

    /// What a person gave as the reason, as it may be shown.
    pub(super) fn shown_why(&self) -> Option<String> {
        self.why.as_deref().map(|why| Shown(why).to_string())
    }
}

/// An account number of which only the last four characters are left, or none of a short one.
///
/// ```
/// use komopay_batches::MaskedAccount;
///
/// assert_eq!(MaskedAccount::of("0123456789").to_string(), "****6789");
/// assert_eq!(MaskedAccount::of("1234567").to_string(), "****");
/// assert_eq!(MaskedAccount::of("****6789").to_string(), "****6789");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MaskedAccount(String);

impl MaskedAccount {
    /// Masks an account number. One that is masked stays as it is.
    #[must_use]
    pub fn of(number: &str) -> Self {
        Self(format!("{:?}", Masked(number)))
    }

    /// The account of a request, masked; of a wallet without a number, its phone.
    #[must_use]
    pub fn of_request(request: &PayoutRequest) -> Option<Self> {
        let number = match &request.method {
            PayoutMethod::BankTransfer(bank) => Some(&bank.account.number),
            PayoutMethod::CryptoTransfer(crypto) => Some(&crypto.account.number),
            PayoutMethod::WalletTransfer(wallet) => wallet.account.number.as_ref().or(wallet.phone_number.as_ref()),
        };
        number.map(|number| Self::of(number))
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MaskedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
