//! What a merchant asks for: the request of a payout, for all three payout methods.
//!
//! A field is named as on the wire, minus what its parent already says: `paymentMethod.account.accountName` is
//! `method.account.name`. `Debug` shows no name, address or phone, and masks account numbers; `Serialize` writes the
//! wire form, which holds them whole.

use std::fmt;
use std::sync::Arc;

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::callback_url::{ShownUrl, signature};
use crate::mask::{Hidden, Masked};
use crate::money::Money;
use crate::values::MethodCode;

/// A payout to be made (contract: `PayoutRequest`).
///
/// ```
/// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
///
/// let mut request = PayoutRequest::new(
///     Money::new("10000", "IDR")?,
///     BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344")),
/// );
/// request.callback_url = Some("https://callback.example.com".to_owned());
/// assert!(!format!("{request:?}").contains("1122")); // account numbers are masked
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PayoutRequest {
    /// How much, in which currency.
    pub money: Money,
    /// How it reaches the payee.
    pub method: PayoutMethod,
    /// The customer's segment, where the merchant uses segments.
    pub segment_code: Option<String>,
    /// The currency to exchange into.
    pub exchanged_to_currency: Option<String>,
    /// Where the platform posts status changes, at most 1000 characters.
    pub callback_url: Option<String>,
    /// The customer's IPv4 or IPv6 address.
    pub customer_ip: Option<String>,
}

impl PayoutRequest {
    /// A request with the required fields; the optional ones are public.
    #[must_use]
    pub fn new(money: Money, method: impl Into<PayoutMethod>) -> Self {
        Self {
            money,
            method: method.into(),
            segment_code: None,
            exchanged_to_currency: None,
            callback_url: None,
            customer_ip: None,
        }
    }

    /// What no text that comes back may show: the payee's account and all that is personal of the customer, and the
    /// signature of the callback URL.
    pub(crate) fn personal(&self) -> Arc<[String]> {
        let signature = self.callback_url.as_deref().and_then(signature);
        self.method.personal().chain(self.customer_ip.as_deref()).chain(signature).map(str::to_owned).collect()
    }
}

impl Serialize for PayoutRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Requested<'a> {
            money: &'a Money,
            #[serde(skip_serializing_if = "Option::is_none")]
            segment_code: &'a Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            exchanged_to_currency: &'a Option<String>,
        }
        let requested = Requested {
            money: &self.money,
            segment_code: &self.segment_code,
            exchanged_to_currency: &self.exchanged_to_currency,
        };
        let mut request = serializer.serialize_struct("PayoutRequest", 4)?;
        request.serialize_field("paymentRequested", &requested)?;
        request.serialize_field("paymentMethod", &self.method)?;
        match &self.callback_url {
            Some(url) => request.serialize_field("callbackUrl", url)?,
            None => request.skip_field("callbackUrl")?,
        }
        match &self.customer_ip {
            Some(ip) => request.serialize_field("customerIp", ip)?,
            None => request.skip_field("customerIp")?,
        }
        request.end()
    }
}

/// How a payout reaches the payee (contract: `PayoutMethod`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(tag = "paymentMethodCode")]
pub enum PayoutMethod {
    /// To a bank account.
    #[serde(rename = "BANK_TRANSFER")]
    BankTransfer(BankTransfer),
    /// To a crypto wallet.
    #[serde(rename = "CRYPTO_TRANSFER")]
    CryptoTransfer(CryptoTransfer),
    /// To an electronic wallet.
    #[serde(rename = "WALLET_TRANSFER")]
    WalletTransfer(WalletTransfer),
}

impl PayoutMethod {
    /// The platform's code of this method.
    #[must_use]
    pub fn code(&self) -> MethodCode {
        match self {
            Self::BankTransfer(_) => MethodCode::BankTransfer,
            Self::CryptoTransfer(_) => MethodCode::CryptoTransfer,
            Self::WalletTransfer(_) => MethodCode::WalletTransfer,
        }
    }

    /// The code of the operator that it goes through; none, where the platform is to choose.
    ///
    /// ```
    /// use komopay_core::{BankAccount, BankTransfer, PayoutMethod};
    ///
    /// let method = PayoutMethod::from(BankTransfer::new("IDR_014", BankAccount::new("Siti", "0123456789")));
    /// assert_eq!(method.operator_code(), Some("IDR_014"));
    /// ```
    #[must_use]
    pub fn operator_code(&self) -> Option<&str> {
        match self {
            Self::BankTransfer(bank) => Some(&bank.operator_code),
            Self::CryptoTransfer(crypto) => Some(&crypto.operator_code),
            Self::WalletTransfer(wallet) => wallet.operator_code.as_deref(),
        }
    }

    /// Account number, name, e-mail and phone.
    fn personal(&self) -> impl Iterator<Item = &str> {
        let parts = match self {
            Self::BankTransfer(bank) => {
                [Some(&bank.account.number), Some(&bank.account.name), bank.email_address.as_ref()]
            }
            Self::CryptoTransfer(crypto) => [Some(&crypto.account.number), None, None],
            Self::WalletTransfer(wallet) => {
                [wallet.account.number.as_ref(), wallet.account.name.as_ref(), wallet.phone_number.as_ref()]
            }
        };
        parts.into_iter().flatten().map(String::as_str)
    }
}

/// A transfer to a bank account (contract: `BankTransfer`).
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BankTransfer {
    /// The bank's code, such as `IDR_014`; the options call lists the real ones.
    #[serde(rename = "paymentOperatorCode")]
    pub operator_code: String,
    /// The receiving account.
    pub account: BankAccount,
    /// The payee's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl BankTransfer {
    /// A transfer with the required fields; the optional ones are public.
    #[must_use]
    pub fn new(operator_code: impl Into<String>, account: BankAccount) -> Self {
        Self { operator_code: operator_code.into(), account, email_address: None, remark: None }
    }
}

/// A receiving bank account (contract: `BankAccount`).
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BankAccount {
    /// The holder's name: letters of any script and a little punctuation, no digits, 1 to 64.
    #[serde(rename = "accountName")]
    pub name: String,
    /// The account number.
    #[serde(rename = "accountNumber")]
    pub number: String,
    /// The kind of account; required for JPY and ZAR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_type: Option<String>,
    /// The bank's own code; for INR the IFSC, required there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_code: Option<String>,
    /// The bank's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_name: Option<String>,
    /// The branch; required for JPY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_branch: Option<String>,
    /// The bank's city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_city: Option<String>,
    /// The bank's province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_province: Option<String>,
}

impl BankAccount {
    /// An account with the required fields; the optional ones are public.
    #[must_use]
    pub fn new(name: impl Into<String>, number: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            number: number.into(),
            account_type: None,
            bank_code: None,
            bank_name: None,
            bank_branch: None,
            bank_city: None,
            bank_province: None,
        }
    }
}

/// A transfer to a crypto wallet (contract: `CryptoTransfer`).
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CryptoTransfer {
    /// The blockchain's code.
    #[serde(rename = "paymentOperatorCode")]
    pub operator_code: String,
    /// The receiving wallet.
    pub account: CryptoAccount,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl CryptoTransfer {
    /// A transfer with the required fields; the optional ones are public.
    #[must_use]
    pub fn new(operator_code: impl Into<String>, account: CryptoAccount) -> Self {
        Self { operator_code: operator_code.into(), account, remark: None }
    }
}

/// A receiving crypto wallet (contract: `CryptoAccount`).
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CryptoAccount {
    /// The wallet's address: letters and digits, 1 to 62.
    #[serde(rename = "accountNumber")]
    pub number: String,
}

impl CryptoAccount {
    /// A wallet by its address.
    #[must_use]
    pub fn new(number: impl Into<String>) -> Self {
        Self { number: number.into() }
    }
}

/// A transfer to an electronic wallet (contract: `WalletTransfer`).
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WalletTransfer {
    /// The wallet provider's code; optional here, unlike for the other methods.
    #[serde(rename = "paymentOperatorCode", skip_serializing_if = "Option::is_none")]
    pub operator_code: Option<String>,
    /// The receiving wallet.
    pub account: WalletAccount,
    /// The payee's phone, international, 7 to 16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl WalletTransfer {
    /// A transfer with the required fields; the optional ones are public.
    #[must_use]
    pub fn new(account: WalletAccount) -> Self {
        Self { operator_code: None, account, phone_number: None, remark: None }
    }
}

/// A receiving electronic wallet; by schema it may be empty (contract: `WalletAccount`).
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WalletAccount {
    /// The holder's name; required for INR.
    #[serde(rename = "accountName", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The wallet's address, `user@provider`, 1 to 100 characters.
    #[serde(rename = "accountNumber", skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

fn hidden(value: Option<&String>) -> Option<Hidden> {
    value.map(|_| Hidden)
}

/// Of the callback URL, host and path.
impl fmt::Debug for PayoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutRequest")
            .field("money", &self.money)
            .field("method", &self.method)
            .field("segment_code", &self.segment_code)
            .field("exchanged_to_currency", &self.exchanged_to_currency)
            .field("callback_url", &self.callback_url.as_deref().map(ShownUrl))
            .field("customer_ip", &hidden(self.customer_ip.as_ref()))
            .finish()
    }
}

impl fmt::Debug for BankTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BankTransfer")
            .field("operator_code", &self.operator_code)
            .field("account", &self.account)
            .field("email_address", &hidden(self.email_address.as_ref()))
            .field("remark", &hidden(self.remark.as_ref()))
            .finish()
    }
}

impl fmt::Debug for BankAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BankAccount")
            .field("name", &Hidden)
            .field("number", &Masked(&self.number))
            .field("account_type", &self.account_type)
            .field("bank_code", &self.bank_code)
            .field("bank_name", &self.bank_name)
            .field("bank_branch", &self.bank_branch)
            .field("bank_city", &self.bank_city)
            .field("bank_province", &self.bank_province)
            .finish()
    }
}

impl fmt::Debug for CryptoTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoTransfer")
            .field("operator_code", &self.operator_code)
            .field("account", &self.account)
            .field("remark", &hidden(self.remark.as_ref()))
            .finish()
    }
}

impl fmt::Debug for CryptoAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoAccount").field("number", &Masked(&self.number)).finish()
    }
}

impl fmt::Debug for WalletTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletTransfer")
            .field("operator_code", &self.operator_code)
            .field("account", &self.account)
            .field("phone_number", &hidden(self.phone_number.as_ref()))
            .field("remark", &hidden(self.remark.as_ref()))
            .finish()
    }
}

impl fmt::Debug for WalletAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletAccount")
            .field("name", &hidden(self.name.as_ref()))
            .field("number", &self.number.as_deref().map(Masked))
            .finish()
    }
}

impl From<BankTransfer> for PayoutMethod {
    fn from(method: BankTransfer) -> Self {
        Self::BankTransfer(method)
    }
}

impl From<CryptoTransfer> for PayoutMethod {
    fn from(method: CryptoTransfer) -> Self {
        Self::CryptoTransfer(method)
    }
}

impl From<WalletTransfer> for PayoutMethod {
    fn from(method: WalletTransfer) -> Self {
        Self::WalletTransfer(method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn contract(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    fn money(amount: &str, currency: &str) -> Money {
        Money::new(amount, currency).unwrap()
    }

    #[test]
    fn the_documented_request_is_written_as_documented() {
        let mut bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
        bank.email_address = Some("customer@test.com".to_owned());
        let mut request = PayoutRequest::new(money("10000", "IDR"), bank);
        request.callback_url = Some("https://callback.example.com".to_owned());
        let documented = contract(include_str!("../../../tests/contract/documented/create.request.json"));
        assert_eq!(serde_json::to_value(&request).unwrap(), documented);
    }

    #[test]
    fn the_example_of_each_method_is_written_as_given() {
        let mut bank = BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", "0123456789"));
        bank.email_address = Some("siti@example.com".to_owned());
        bank.remark = Some("Invoice 0001".to_owned());
        let mut request = PayoutRequest::new(money("250000", "IDR"), bank);
        request.callback_url = Some("https://shop.example.com/hooks/payout".to_owned());
        request.customer_ip = Some("203.0.113.7".to_owned());
        let example = contract(include_str!("../../../tests/contract/examples/payout-create.request.json"));
        assert_eq!(serde_json::to_value(&request).unwrap(), example);

        let crypto = CryptoTransfer::new("DEMO_CHAIN", CryptoAccount::new("T0000000000000000000000000000Demo"));
        let request = PayoutRequest::new(money("12.5", "USDT"), crypto);
        let example = contract(include_str!("../../../tests/contract/examples/payout-create.crypto.request.json"));
        assert_eq!(serde_json::to_value(&request).unwrap(), example);

        let mut wallet = WalletTransfer::new(WalletAccount { name: Some("Siti Rahmawati".to_owned()), number: None });
        wallet.operator_code = Some("ID_OVO".to_owned());
        wallet.phone_number = Some("+6281234567890".to_owned());
        let request = PayoutRequest::new(money("75000", "IDR"), wallet);
        let example = contract(include_str!("../../../tests/contract/examples/payout-create.wallet.request.json"));
        assert_eq!(serde_json::to_value(&request).unwrap(), example);
    }

    #[test]
    fn every_optional_field_has_its_name_on_the_wire() {
        let some = |text: &str| Some(text.to_owned());
        let account = BankAccount {
            name: "N".to_owned(),
            number: "1".to_owned(),
            account_type: some("savings"),
            bank_code: some("C"),
            bank_name: some("BN"),
            bank_branch: some("BB"),
            bank_city: some("BC"),
            bank_province: some("BP"),
        };
        let request = PayoutRequest {
            money: money("1", "JPY"),
            method: BankTransfer::new("OP", account).into(),
            segment_code: some("VIP"),
            exchanged_to_currency: some("USD"),
            callback_url: None,
            customer_ip: None,
        };
        let expected = json!({
            "paymentRequested": {
                "money": {"amount": 1, "currencyCode": "JPY"}, "segmentCode": "VIP", "exchangedToCurrency": "USD"},
            "paymentMethod": {"paymentMethodCode": "BANK_TRANSFER", "paymentOperatorCode": "OP", "account": {
                "accountName": "N", "accountNumber": "1", "accountType": "savings", "bankCode": "C", "bankName": "BN",
                "bankBranch": "BB", "bankCity": "BC", "bankProvince": "BP"}},
        });
        assert_eq!(serde_json::to_value(&request).unwrap(), expected);

        let wallet = WalletTransfer {
            operator_code: None,
            account: WalletAccount { name: None, number: some("user@provider") },
            phone_number: None,
            remark: some("R"),
        };
        let expected = json!({
            "paymentMethodCode": "WALLET_TRANSFER", "account": {"accountNumber": "user@provider"}, "remark": "R"});
        assert_eq!(serde_json::to_value(PayoutMethod::from(wallet)).unwrap(), expected);
    }

    #[test]
    fn nothing_personal_is_shown() {
        let mut bank = BankTransfer::new("OP", BankAccount::new("Siti Rahmawati", "0123456789"));
        bank.email_address = Some("siti@example.com".to_owned());
        bank.remark = Some("for Siti".to_owned());
        let mut wallet = WalletTransfer::new(WalletAccount {
            name: Some("Siti Rahmawati".to_owned()),
            number: Some("siti@provider".to_owned()),
        });
        wallet.phone_number = Some("+6281234567890".to_owned());
        let crypto = CryptoTransfer::new("OP", CryptoAccount::new("T0000000000000000000000000000Demo"));
        for method in [PayoutMethod::from(bank), wallet.into(), crypto.into()] {
            let mut request = PayoutRequest::new(money("1", "IDR"), method);
            request.customer_ip = Some("203.0.113.7".to_owned());
            let signature = "1.0.7uCeiI1SbzndTweFJ4SVsFQUr-6ZNwuN8Qr8Xjs8zxQ";
            request.callback_url = Some(format!("https://shop.example/hook/{signature}"));
            assert!([signature, "203.0.113.7"].iter().all(|text| request.personal().contains(&(*text).to_owned())));
            let shown = format!("{request:?}").to_lowercase();
            assert!(shown.contains("https://shop.example/hook/[hidden]"), "{shown}");
            for personal in ["siti", "rahmawati", "12345", "62812", "t0000", "@example", "203.0", "7ucei"] {
                assert!(!shown.contains(personal), "{shown}");
            }
        }
    }
}
