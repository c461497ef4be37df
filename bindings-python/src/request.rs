//! What goes into a create: `PayoutRequest` and the payout methods, with the fields and names of the core.

use komopay_core::PayoutMethod;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error::{guard, raise};
use crate::given::{Argument, argument, setting};
use crate::money::Money;
use crate::repr::Repr;

/// A payout to be made. It pickles whole, account number included: keep what it is pickled to as safe as itself.
///
/// Example:
///
///     >>> request = PayoutRequest(
///     ...     money=Money("10000", "IDR"),
///     ...     method=BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789")))
///     >>> request.money
///     Money('10000', 'IDR')
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PayoutRequest {
    /// How much, in which currency.
    money: Money,
    /// How it reaches the payee: a `BankTransfer`, `CryptoTransfer` or `WalletTransfer`.
    method: Method,
    /// The customer's segment, where the merchant uses segments.
    segment_code: Option<String>,
    /// The currency to exchange into.
    exchanged_to_currency: Option<String>,
    /// Where the platform posts status changes.
    callback_url: Option<String>,
    /// The customer's IPv4 or IPv6 address.
    customer_ip: Option<String>,
}

#[pymethods]
impl PayoutRequest {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("money", "method")
    }

    #[new]
    #[pyo3(signature = (*, money, method, segment_code=None, exchanged_to_currency=None, callback_url=None,
        customer_ip=None))]
    fn new(
        py: Python<'_>,
        money: &Bound<'_, PyAny>,
        method: &Bound<'_, PyAny>,
        segment_code: Option<Bound<'_, PyAny>>,
        exchanged_to_currency: Option<Bound<'_, PyAny>>,
        callback_url: Option<Bound<'_, PyAny>>,
        customer_ip: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                money: argument("money").value(money)?,
                method: Method::read(method)?,
                segment_code: argument("segment_code").optional(segment_code, Argument::text)?,
                exchanged_to_currency: argument("exchanged_to_currency")
                    .optional(exchanged_to_currency, Argument::text)?,
                callback_url: argument("callback_url").optional(callback_url, Argument::text)?,
                customer_ip: argument("customer_ip").optional(customer_ip, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let Self { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = self;
            let method = match method {
                Method::Bank(bank) => bank.show(py),
                Method::Crypto(crypto) => crypto.show(py),
                Method::Wallet(wallet) => wallet.show(py),
            };
            let shown = Repr::new(py, "PayoutRequest")
                .value("money", money.show(py))
                .value("method", method)
                .text("segment_code", segment_code.as_deref())
                .text("exchanged_to_currency", exchanged_to_currency.as_deref())
                .url("callback_url", callback_url.as_deref())
                .hidden("customer_ip", customer_ip.as_ref());
            Ok(shown.finish())
        })
    }

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
    /// Store it beside the id. The platform never repeats the payee's account; a fingerprint that matches before a resumed
    /// call proves that this is the same request: see `matches_fingerprint`. Equal requests have equal fingerprints in
    /// every language. The signature in the callback URL does not count, nor its expiry. Without the key nobody can try out
    /// account numbers against it.
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
    fn fingerprint(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<String> {
        guard(py, || {
            let key = setting("key").bytes(key)?;
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
    fn matches_fingerprint(&self, py: Python<'_>, key: &Bound<'_, PyAny>, stored: &Bound<'_, PyAny>) -> PyResult<bool> {
        guard(py, || {
            let (key, stored) = (setting("key").bytes(key)?, argument("stored").text(stored)?);
            let request = komopay_core::PayoutRequest::from(self);
            request.matches_fingerprint(&key, &stored).map_err(|error| raise(py, &error))
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = self;
            let known = PyDict::new(py);
            known.set_item("money", money.clone())?;
            known.set_item("method", method.clone())?;
            known.set_item("segment_code", segment_code)?;
            known.set_item("exchanged_to_currency", exchanged_to_currency)?;
            known.set_item("callback_url", callback_url)?;
            known.set_item("customer_ip", customer_ip)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl From<&PayoutRequest> for komopay_core::PayoutRequest {
    fn from(request: &PayoutRequest) -> Self {
        let PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = request;
        Self {
            money: money.into(),
            method: match method {
                Method::Bank(bank) => PayoutMethod::BankTransfer(bank.into()),
                Method::Crypto(crypto) => PayoutMethod::CryptoTransfer(crypto.into()),
                Method::Wallet(wallet) => PayoutMethod::WalletTransfer(wallet.into()),
            },
            segment_code: segment_code.clone(),
            exchanged_to_currency: exchanged_to_currency.clone(),
            callback_url: callback_url.clone(),
            customer_ip: customer_ip.clone(),
        }
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

impl Method {
    fn read(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bank) = given.cast::<BankTransfer>() {
            Ok(Self::Bank(bank.get().clone()))
        } else if let Ok(crypto) = given.cast::<CryptoTransfer>() {
            Ok(Self::Crypto(crypto.get().clone()))
        } else if let Ok(wallet) = given.cast::<WalletTransfer>() {
            Ok(Self::Wallet(wallet.get().clone()))
        } else {
            Err(argument("method").wrong_type(given, "a BankTransfer, a CryptoTransfer or a WalletTransfer"))
        }
    }
}

/// A transfer to a bank account.
///
/// Example:
///
///     >>> BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789"))
///     BankTransfer(operator_code='IDR_014', account=BankAccount(name=[hidden], number=****6789))
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BankTransfer {
    /// The bank's code, such as `IDR_014`.
    operator_code: String,
    /// The receiving account.
    account: BankAccount,
    /// The payee's e-mail address.
    email_address: Option<String>,
    /// Free text.
    remark: Option<String>,
}

#[pymethods]
impl BankTransfer {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("operator_code", "account")
    }

    #[new]
    #[pyo3(signature = (*, operator_code, account, email_address=None, remark=None))]
    fn new(
        py: Python<'_>,
        operator_code: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        email_address: Option<Bound<'_, PyAny>>,
        remark: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                operator_code: argument("method.operator_code").text(operator_code)?,
                account: argument("method.account").value(account)?,
                email_address: argument("method.email_address").optional(email_address, Argument::text)?,
                remark: argument("method.remark").optional(remark, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { operator_code, account, email_address, remark } = self;
            let known = PyDict::new(py);
            known.set_item("operator_code", operator_code)?;
            known.set_item("account", account.clone())?;
            known.set_item("email_address", email_address)?;
            known.set_item("remark", remark)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl BankTransfer {
    fn show(&self, py: Python<'_>) -> String {
        let Self { operator_code, account, email_address, remark } = self;
        Repr::new(py, "BankTransfer")
            .text("operator_code", operator_code.as_str())
            .value("account", account.show(py))
            .hidden("email_address", email_address.as_ref())
            .hidden("remark", remark.as_ref())
            .finish()
    }
}

impl From<&BankTransfer> for komopay_core::BankTransfer {
    fn from(bank: &BankTransfer) -> Self {
        let BankTransfer { operator_code, account, email_address, remark } = bank;
        Self {
            operator_code: operator_code.clone(),
            account: account.into(),
            email_address: email_address.clone(),
            remark: remark.clone(),
        }
    }
}

/// A receiving bank account. Its repr masks the number and hides the name.
///
/// Example:
///
///     >>> BankAccount(name="Siti", number="0123456789")
///     BankAccount(name=[hidden], number=****6789)
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BankAccount {
    /// The holder's name: letters of any script and a little punctuation, no digits, 1 to 64.
    name: String,
    /// The account number.
    number: String,
    /// The kind of account; required for JPY and ZAR.
    account_type: Option<String>,
    /// The bank's own code; for INR the IFSC, required there.
    bank_code: Option<String>,
    /// The bank's name.
    bank_name: Option<String>,
    /// The branch; required for JPY.
    bank_branch: Option<String>,
    /// The bank's city.
    bank_city: Option<String>,
    /// The bank's province.
    bank_province: Option<String>,
}

#[pymethods]
impl BankAccount {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("name", "number")
    }

    #[new]
    #[pyo3(signature = (*, name, number, account_type=None, bank_code=None, bank_name=None, bank_branch=None,
        bank_city=None, bank_province=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per field")]
    fn new(
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        number: &Bound<'_, PyAny>,
        account_type: Option<Bound<'_, PyAny>>,
        bank_code: Option<Bound<'_, PyAny>>,
        bank_name: Option<Bound<'_, PyAny>>,
        bank_branch: Option<Bound<'_, PyAny>>,
        bank_city: Option<Bound<'_, PyAny>>,
        bank_province: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                name: argument("method.account.name").text(name)?,
                number: argument("method.account.number").text(number)?,
                account_type: argument("method.account.account_type").optional(account_type, Argument::text)?,
                bank_code: argument("method.account.bank_code").optional(bank_code, Argument::text)?,
                bank_name: argument("method.account.bank_name").optional(bank_name, Argument::text)?,
                bank_branch: argument("method.account.bank_branch").optional(bank_branch, Argument::text)?,
                bank_city: argument("method.account.bank_city").optional(bank_city, Argument::text)?,
                bank_province: argument("method.account.bank_province").optional(bank_province, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } = self;
            let known = PyDict::new(py);
            known.set_item("name", name)?;
            known.set_item("number", number)?;
            known.set_item("account_type", account_type)?;
            known.set_item("bank_code", bank_code)?;
            known.set_item("bank_name", bank_name)?;
            known.set_item("bank_branch", bank_branch)?;
            known.set_item("bank_city", bank_city)?;
            known.set_item("bank_province", bank_province)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl BankAccount {
    fn show(&self, py: Python<'_>) -> String {
        let Self { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } = self;
        Repr::new(py, "BankAccount")
            .hidden("name", Some(name))
            .account_number("number", number.as_str())
            .text("account_type", account_type.as_deref())
            .text("bank_code", bank_code.as_deref())
            .text("bank_name", bank_name.as_deref())
            .text("bank_branch", bank_branch.as_deref())
            .text("bank_city", bank_city.as_deref())
            .text("bank_province", bank_province.as_deref())
            .finish()
    }
}

impl From<&BankAccount> for komopay_core::BankAccount {
    fn from(account: &BankAccount) -> Self {
        let BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } =
            account;
        Self {
            name: name.clone(),
            number: number.clone(),
            account_type: account_type.clone(),
            bank_code: bank_code.clone(),
            bank_name: bank_name.clone(),
            bank_branch: bank_branch.clone(),
            bank_city: bank_city.clone(),
            bank_province: bank_province.clone(),
        }
    }
}

/// A transfer to a crypto wallet.
///
/// Example:
///
///     >>> CryptoTransfer(operator_code="BTC", account=CryptoAccount(number="bc1q0123456789"))
///     CryptoTransfer(operator_code='BTC', account=CryptoAccount(number=****6789))
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CryptoTransfer {
    /// The blockchain's code.
    operator_code: String,
    /// The receiving wallet.
    account: CryptoAccount,
    /// Free text.
    remark: Option<String>,
}

#[pymethods]
impl CryptoTransfer {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("operator_code", "account")
    }

    #[new]
    #[pyo3(signature = (*, operator_code, account, remark=None))]
    fn new(
        py: Python<'_>,
        operator_code: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        remark: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                operator_code: argument("method.operator_code").text(operator_code)?,
                account: argument("method.account").value(account)?,
                remark: argument("method.remark").optional(remark, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { operator_code, account, remark } = self;
            let known = PyDict::new(py);
            known.set_item("operator_code", operator_code)?;
            known.set_item("account", account.clone())?;
            known.set_item("remark", remark)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl CryptoTransfer {
    fn show(&self, py: Python<'_>) -> String {
        let Self { operator_code, account, remark } = self;
        Repr::new(py, "CryptoTransfer")
            .text("operator_code", operator_code.as_str())
            .value("account", account.show(py))
            .hidden("remark", remark.as_ref())
            .finish()
    }
}

impl From<&CryptoTransfer> for komopay_core::CryptoTransfer {
    fn from(crypto: &CryptoTransfer) -> Self {
        let CryptoTransfer { operator_code, account, remark } = crypto;
        Self { operator_code: operator_code.clone(), account: account.into(), remark: remark.clone() }
    }
}

/// A receiving crypto wallet.
///
/// Example:
///
///     >>> CryptoAccount(number="bc1q0123456789")
///     CryptoAccount(number=****6789)
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CryptoAccount {
    /// The wallet's address: letters and digits, 1 to 62.
    number: String,
}

#[pymethods]
impl CryptoAccount {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str,) {
        ("number",)
    }

    #[new]
    #[pyo3(signature = (*, number))]
    fn new(py: Python<'_>, number: &Bound<'_, PyAny>) -> PyResult<Self> {
        guard(py, || Ok(Self { number: argument("method.account.number").text(number)? }))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { number } = self;
            let known = PyDict::new(py);
            known.set_item("number", number)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl CryptoAccount {
    fn show(&self, py: Python<'_>) -> String {
        let Self { number } = self;
        Repr::new(py, "CryptoAccount").account_number("number", number.as_str()).finish()
    }
}

impl From<&CryptoAccount> for komopay_core::CryptoAccount {
    fn from(account: &CryptoAccount) -> Self {
        let CryptoAccount { number } = account;
        Self { number: number.clone() }
    }
}

/// A transfer to an electronic wallet.
///
/// Example:
///
///     >>> WalletTransfer(account=WalletAccount(number="siti@ovo"), phone_number="+628123456789")
///     WalletTransfer(account=WalletAccount(number=****@ovo), phone_number=[hidden])
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WalletTransfer {
    /// The wallet provider's code; optional here, unlike for the other methods.
    operator_code: Option<String>,
    /// The receiving wallet.
    account: WalletAccount,
    /// The payee's phone, international, 7 to 16 characters.
    phone_number: Option<String>,
    /// Free text.
    remark: Option<String>,
}

#[pymethods]
impl WalletTransfer {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("operator_code", "account")
    }

    #[new]
    #[pyo3(signature = (*, account, operator_code=None, phone_number=None, remark=None))]
    fn new(
        py: Python<'_>,
        account: &Bound<'_, PyAny>,
        operator_code: Option<Bound<'_, PyAny>>,
        phone_number: Option<Bound<'_, PyAny>>,
        remark: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                operator_code: argument("method.operator_code").optional(operator_code, Argument::text)?,
                account: argument("method.account").value(account)?,
                phone_number: argument("method.phone_number").optional(phone_number, Argument::text)?,
                remark: argument("method.remark").optional(remark, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { operator_code, account, phone_number, remark } = self;
            let known = PyDict::new(py);
            known.set_item("operator_code", operator_code)?;
            known.set_item("account", account.clone())?;
            known.set_item("phone_number", phone_number)?;
            known.set_item("remark", remark)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl WalletTransfer {
    fn show(&self, py: Python<'_>) -> String {
        let Self { operator_code, account, phone_number, remark } = self;
        Repr::new(py, "WalletTransfer")
            .text("operator_code", operator_code.as_deref())
            .value("account", account.show(py))
            .hidden("phone_number", phone_number.as_ref())
            .hidden("remark", remark.as_ref())
            .finish()
    }
}

impl From<&WalletTransfer> for komopay_core::WalletTransfer {
    fn from(wallet: &WalletTransfer) -> Self {
        let WalletTransfer { operator_code, account, phone_number, remark } = wallet;
        Self {
            operator_code: operator_code.clone(),
            account: account.into(),
            phone_number: phone_number.clone(),
            remark: remark.clone(),
        }
    }
}

/// A receiving electronic wallet.
///
/// Example:
///
///     >>> WalletAccount(name="Siti", number="siti@ovo")
///     WalletAccount(name=[hidden], number=****@ovo)
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WalletAccount {
    /// The holder's name; required for INR.
    name: Option<String>,
    /// The wallet's address, user@provider, 1 to 100 characters.
    number: Option<String>,
}

#[pymethods]
impl WalletAccount {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("name", "number")
    }

    #[new]
    #[pyo3(signature = (*, name=None, number=None))]
    fn new(py: Python<'_>, name: Option<Bound<'_, PyAny>>, number: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                name: argument("method.account.name").optional(name, Argument::text)?,
                number: argument("method.account.number").optional(number, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self { name, number } = self;
            let known = PyDict::new(py);
            known.set_item("name", name)?;
            known.set_item("number", number)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl WalletAccount {
    fn show(&self, py: Python<'_>) -> String {
        let Self { name, number } = self;
        Repr::new(py, "WalletAccount")
            .hidden("name", name.as_ref())
            .account_number("number", number.as_deref())
            .finish()
    }
}

impl From<&WalletAccount> for komopay_core::WalletAccount {
    fn from(account: &WalletAccount) -> Self {
        let WalletAccount { name, number } = account;
        Self { name: name.clone(), number: number.clone() }
    }
}
