//! What goes into a create: `PayoutRequest` and the payout methods, with the fields and names of the core.

use komopay_core::{MethodCode, PayoutMethod};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::conversion::ToCore;
use crate::data::{Fields, Part, Way};
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Read, argument, setting};
use crate::money::Money;
use crate::repr::Show;
use crate::text::{AccountNumber, CallbackUrl, Personal};
use crate::value::value;

value! {
    /// A payout to be made. It pickles whole, account number included: keep what it is pickled to as safe as itself.
    ///
    /// Example:
    ///
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"),
    ///     ...     method=BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789")))
    ///     >>> request.money
    ///     Money('10000', 'IDR')
    request PayoutRequest matches (money, method) {
        /// How much, in which currency.
        money: Money,
        /// How it reaches the payee: a `BankTransfer`, `CryptoTransfer` or `WalletTransfer`.
        method: Method,
        /// The customer's segment, where the merchant uses segments.
        segment_code: Option<String> = None,
        /// The currency to exchange into.
        exchanged_to_currency: Option<String> = None,
        /// Where the platform posts status changes.
        callback_url: Option<CallbackUrl> = None,
        /// The customer's IPv4 or IPv6 address.
        customer_ip: Option<Personal> = None,
    }
}

#[pymethods]
impl PayoutRequest {
    /// Checks every limit of the contract, and the rules of single currencies (INR, JPY, ZAR).
    ///
    /// `create_payout` does this too, unless the client's validate is False.
    ///
    /// Errors: `InvalidRequestError`, naming the first field that cannot be sent.
    ///
    /// Example:
    ///
    ///     >>> payee = BankAccount(name="R2D2", number="0123456789")
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"), method=BankTransfer(operator_code="IDR_014", account=payee))
    ///     >>> try:
    ///     ...     request.validate()
    ///     ... except InvalidRequestError as error:
    ///     ...     print(error.field)
    ///     method.account.name
    fn validate(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || komopay_core::PayoutRequest::from(self).validate().map_err(|error| raise(py, &error)))
    }

    /// A keyed, canonical digest of the whole request, payee included: 64 characters, `2:` and hexadecimal digits.
    ///
    /// Store it beside the id. The platform never repeats the payee's account; a fingerprint that matches before a
    /// resumed call proves that this is the same request: see `matches_fingerprint`. Equal requests have equal
    /// fingerprints in every language. The signature in the callback URL does not count, nor its expiry. Without the
    /// key nobody can try out account numbers against it.
    ///
    /// Errors: `ConfigurationError`, naming `key`, if it is shorter than 16 bytes.
    ///
    /// Example:
    ///
    ///     >>> key = b"a key of my own, kept like a password"
    ///     >>> def to(number: str, amount: str) -> PayoutRequest:
    ///     ...     account = BankAccount(name="Siti", number=number)
    ///     ...     method = BankTransfer(operator_code="IDR_014", account=account)
    ///     ...     return PayoutRequest(money=Money(amount, "IDR"), method=method)
    ///     >>> to("0123456789", "42").fingerprint(key) == to("0123456789", "42.00").fingerprint(key)
    ///     True
    ///     >>> to("0123456789", "42").fingerprint(key) == to("0123456788", "42").fingerprint(key)
    ///     False
    fn fingerprint(&self, py: Python<'_>, key: Given<'_, Vec<u8>>) -> PyResult<String> {
        guard(py, || {
            let key = setting("key").take(key)?;
            komopay_core::PayoutRequest::from(self).fingerprint(&key).map_err(|error| raise(py, &error))
        })
    }

    /// Whether a stored fingerprint is this request's: one that `fingerprint` gives, or one of the form that it gave
    /// before (64 hexadecimal digits), in which the signature in the callback URL counts.
    ///
    /// What has neither form is nobody's. It takes equally long whatever the digits are.
    ///
    /// Errors: `ConfigurationError`, naming `key`, if it is shorter than 16 bytes.
    ///
    /// Example:
    ///
    ///     >>> key = b"a key of my own, kept like a password"
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"),
    ///     ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
    ///     >>> stored = request.fingerprint(key)
    ///     >>> request.matches_fingerprint(key, stored)
    ///     True
    fn matches_fingerprint(
        &self,
        py: Python<'_>,
        key: Given<'_, Vec<u8>>,
        stored: Given<'_, String>,
    ) -> PyResult<bool> {
        guard(py, || {
            let (key, stored) = (setting("key").take(key)?, argument("stored").take(stored)?);
            let request = komopay_core::PayoutRequest::from(self);
            request.matches_fingerprint(&key, &stored).map_err(|error| raise(py, &error))
        })
    }
}

/// One of the payout methods.
#[derive(Clone, PartialEq, Eq, Hash, IntoPyObject)]
enum Method {
    #[pyo3(transparent)]
    Bank(BankTransfer),
    #[pyo3(transparent)]
    Crypto(CryptoTransfer),
    #[pyo3(transparent)]
    Wallet(WalletTransfer),
}

impl Read for Method {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = <Self as IntoPyObject<'_>>::OUTPUT_TYPE;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bank) = given.cast::<BankTransfer>() {
            Ok(Self::Bank(bank.get().clone()))
        } else if let Ok(crypto) = given.cast::<CryptoTransfer>() {
            Ok(Self::Crypto(crypto.get().clone()))
        } else if let Ok(wallet) = given.cast::<WalletTransfer>() {
            Ok(Self::Wallet(wallet.get().clone()))
        } else {
            Err(argument.wrong_type(given, "a BankTransfer, a CryptoTransfer or a WalletTransfer"))
        }
    }
}

impl ToCore<PayoutMethod> for Method {
    fn to_core(&self) -> PayoutMethod {
        match self {
            Self::Bank(bank) => PayoutMethod::BankTransfer(bank.into()),
            Self::Crypto(crypto) => PayoutMethod::CryptoTransfer(crypto.into()),
            Self::Wallet(wallet) => PayoutMethod::WalletTransfer(wallet.into()),
        }
    }
}

impl Show for Method {
    fn show(&self, py: Python<'_>) -> Option<String> {
        match self {
            Self::Bank(bank) => Show::show(bank, py),
            Self::Crypto(crypto) => Show::show(crypto, py),
            Self::Wallet(wallet) => Show::show(wallet, py),
        }
    }
}

/// Which method it is, its `method_code` says, as in an answer.
impl Part for Method {
    const IS_PERSONAL: bool = true;

    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Bank(bank) => bank.to_plain(py, include_personal),
            Self::Crypto(crypto) => crypto.to_plain(py, include_personal),
            Self::Wallet(wallet) => wallet.to_plain(py, include_personal),
        }
    }

    fn from_plain(field: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        if let Ok(method) = Self::read(field, given) {
            return Ok(method);
        }
        let code = Fields::of(field, given, "a payout method")?.take::<String>(
            "method_code",
            argument("method.method_code"),
            way,
        )?;
        match MethodCode::from(code.as_str()) {
            MethodCode::BankTransfer => BankTransfer::from_plain(field, given, way).map(Self::Bank),
            MethodCode::CryptoTransfer => CryptoTransfer::from_plain(field, given, way).map(Self::Crypto),
            MethodCode::WalletTransfer => WalletTransfer::from_plain(field, given, way).map(Self::Wallet),
            MethodCode::Unknown(_) => {
                let problem = format!("must be one of {}", MethodCode::KNOWN.join(", "));
                Err(argument("method.method_code").refuse(given.py(), &problem))
            }
        }
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let either = PyDict::new(py);
        let classes = (BankTransfer::schema(py)?, CryptoTransfer::schema(py)?, WalletTransfer::schema(py)?);
        either.set_item("anyOf", classes)?;
        Ok(either.into_any())
    }
}

value! {
    /// A transfer to a bank account.
    ///
    /// Example:
    ///
    ///     >>> BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789"))
    ///     BankTransfer(operator_code='IDR_014', account=BankAccount(name=[hidden], number=****6789))
    request BankTransfer("method.", BankTransfer) matches (operator_code, account) {
        /// The bank's code, such as `IDR_014`.
        operator_code: String,
        /// The receiving account.
        account: BankAccount,
        /// The payee's e-mail address.
        email_address: Option<Personal> = None,
        /// Free text.
        remark: Option<Personal> = None,
    }
}

value! {
    /// A receiving bank account. Its repr masks the number and hides the name.
    ///
    /// Example:
    ///
    ///     >>> BankAccount(name="Siti", number="0123456789")
    ///     BankAccount(name=[hidden], number=****6789)
    request BankAccount("method.account.") matches (name, number) {
        /// The holder's name: letters of any script and a little punctuation, no digits, 1 to 64.
        name: Personal,
        /// The account number.
        number: AccountNumber,
        /// The kind of account; required for JPY and ZAR.
        account_type: Option<String> = None,
        /// The bank's own code; for INR the IFSC, required there.
        bank_code: Option<String> = None,
        /// The bank's name.
        bank_name: Option<String> = None,
        /// The branch; required for JPY.
        bank_branch: Option<String> = None,
        /// The bank's city.
        bank_city: Option<String> = None,
        /// The bank's province.
        bank_province: Option<String> = None,
    }
}

value! {
    /// A transfer to a crypto wallet.
    ///
    /// Example:
    ///
    ///     >>> CryptoTransfer(operator_code="BTC", account=CryptoAccount(number="bc1q0123456789"))
    ///     CryptoTransfer(operator_code='BTC', account=CryptoAccount(number=****6789))
    request CryptoTransfer("method.", CryptoTransfer) matches (operator_code, account) {
        /// The blockchain's code.
        operator_code: String,
        /// The receiving wallet.
        account: CryptoAccount,
        /// Free text.
        remark: Option<Personal> = None,
    }
}

value! {
    /// A receiving crypto wallet.
    ///
    /// Example:
    ///
    ///     >>> CryptoAccount(number="bc1q0123456789")
    ///     CryptoAccount(number=****6789)
    request CryptoAccount("method.account.") matches (number) {
        /// The wallet's address: letters and digits, 1 to 62.
        number: AccountNumber,
    }
}

value! {
    /// A transfer to an electronic wallet.
    ///
    /// Example:
    ///
    ///     >>> WalletTransfer(account=WalletAccount(number="siti@ovo"), phone_number="+628123456789")
    ///     WalletTransfer(account=WalletAccount(number=****@ovo), phone_number=[hidden])
    request WalletTransfer("method.", WalletTransfer) matches (operator_code, account) {
        /// The receiving wallet.
        account: WalletAccount,
        /// The wallet provider's code; optional here, unlike for the other methods.
        operator_code: Option<String> = None,
        /// The payee's phone, international, 7 to 16 characters.
        phone_number: Option<Personal> = None,
        /// Free text.
        remark: Option<Personal> = None,
    }
}

value! {
    /// A receiving electronic wallet.
    ///
    /// Example:
    ///
    ///     >>> WalletAccount(name="Siti", number="siti@ovo")
    ///     WalletAccount(name=[hidden], number=****@ovo)
    request WalletAccount("method.account.") matches (name, number) {
        /// The holder's name; required for INR.
        name: Option<Personal> = None,
        /// The wallet's address, user@provider, 1 to 100 characters.
        number: Option<AccountNumber> = None,
    }
}
