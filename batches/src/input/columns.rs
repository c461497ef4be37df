//! The fields of a row: what they are called in the template, and in the merchant's file.

use std::collections::BTreeMap;
use std::fmt;

use komopay_core::{Error, MethodCode, Result};

/// Defines the fields: name in the template, the request's own name, and the methods that have it.
macro_rules! fields {
    ($($(#[$meta:meta])* $field:ident = $name:literal, $of_request:literal, $methods:ident;)+) => {
        /// A field of a row. [`Field::name`] is its column in the template, and its name in a line of JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$meta])* $field,)+
        }

        impl Field {
            /// Every field, in the order of the template.
            pub const ALL: &'static [Self] = &[$(Self::$field),+];

            /// Its column in the template.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)+
                }
            }

            /// The field that a problem of a request names.
            pub(super) fn of_request(name: &str) -> Option<Self> {
                match name {
                    $($of_request => Some(Self::$field),)+
                    _ => None,
                }
            }

            /// Its name in a request.
            pub(super) const fn name_in_request(self) -> &'static str {
                match self {
                    $(Self::$field => $of_request,)+
                }
            }

            const fn methods(self) -> Methods {
                match self {
                    $(Self::$field => Methods::$methods,)+
                }
            }
        }
    };
}

/// Which methods have a field.
enum Methods {
    All,
    Bank,
    Wallet,
    /// Those to people: a wallet on a chain has no name.
    Named,
}

fields! {
    /// What the merchant calls the payout; no two rows of a batch have the same.
    Key = "id", "key", All;
    /// The id to pay it under; if it is empty, one is derived from the batch's id and the key.
    PayoutId = "payout_id", "payout_id", All;
    /// How much: plain digits, with a decimal point if need be.
    Amount = "amount", "money.amount", All;
    /// In which currency, such as `IDR`.
    Currency = "currency", "money.currency", All;
    /// `BANK_TRANSFER`, `CRYPTO_TRANSFER` or `WALLET_TRANSFER`; without this column, the first.
    Method = "method", "method.code", All;
    /// The bank, wallet provider or blockchain, such as `IDR_014`; only wallets do without.
    OperatorCode = "operator_code", "method.operator_code", All;
    /// The holder's name; bank accounts need it, and wallets in INR.
    AccountName = "account_name", "method.account.name", Named;
    /// The number of the account, or the address of the wallet; banks and chains need it.
    AccountNumber = "account_number", "method.account.number", All;
    /// The kind of account; needed for JPY and ZAR.
    AccountType = "account_type", "method.account.account_type", Bank;
    /// The bank's own code; needed for INR (the IFSC).
    BankCode = "bank_code", "method.account.bank_code", Bank;
    /// The bank's name.
    BankName = "bank_name", "method.account.bank_name", Bank;
    /// The branch; needed for JPY.
    BankBranch = "bank_branch", "method.account.bank_branch", Bank;
    /// The bank's city.
    BankCity = "bank_city", "method.account.bank_city", Bank;
    /// The bank's province.
    BankProvince = "bank_province", "method.account.bank_province", Bank;
    /// The payee's e-mail address.
    EmailAddress = "email_address", "method.email_address", Bank;
    /// The payee's phone.
    PhoneNumber = "phone_number", "method.phone_number", Wallet;
    /// Free text.
    Remark = "remark", "method.remark", All;
    /// The customer's segment.
    SegmentCode = "segment_code", "segment_code", All;
    /// The currency to exchange into.
    ExchangedToCurrency = "exchanged_to_currency", "exchanged_to_currency", All;
    /// Where the platform posts status changes.
    CallbackUrl = "callback_url", "callback_url", All;
    /// The customer's address on the network.
    CustomerIp = "customer_ip", "customer_ip", All;
}

impl Field {
    /// The field of this name in the template.
    ///
    /// ```
    /// use komopay_batches::Field;
    ///
    /// assert_eq!(Field::parse("amount"), Some(Field::Amount));
    /// assert_eq!(Field::parse("Amount"), None);
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether payouts by this method have it.
    #[must_use]
    pub fn is_of(self, method: &MethodCode) -> bool {
        match self.methods() {
            Methods::All => true,
            Methods::Bank => *method == MethodCode::BankTransfer,
            Methods::Wallet => *method == MethodCode::WalletTransfer,
            Methods::Named => *method != MethodCode::CryptoTransfer,
        }
    }

    /// Whether every input has a column for it.
    pub(super) fn is_needed(self) -> bool {
        matches!(self, Self::Key | Self::Amount | Self::Currency)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the fields are called in the merchant's file. A field that is not mapped has its name in the template.
///
/// ```
/// use komopay_batches::{Columns, Field};
///
/// let columns = Columns::of([("id", "Invoice no."), ("amount", "Net amount")])?;
/// assert_eq!(columns.name(Field::Key), "Invoice no.");
/// assert_eq!(columns.name(Field::Currency), "currency");
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<Field, String>);

impl Columns {
    /// From pairs of a field's name in the template, and its column's name in the file.
    ///
    /// # Errors
    /// `configuration`, naming `columns`, if there is no such field, if it is mapped twice, or if a name is empty.
    pub fn of<F: AsRef<str>, N: AsRef<str>>(pairs: impl IntoIterator<Item = (F, N)>) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for (field, name) in pairs {
            let (field, name) = (field.as_ref(), name.as_ref().trim());
            let Some(known) = Field::parse(field) else {
                let names: Vec<_> = Field::ALL.iter().map(|field| field.name()).collect();
                let problem = format!("there is no field {field}; there are {}", names.join(", "));
                return Err(Error::setting("columns", problem));
            };
            if name.is_empty() {
                return Err(Error::setting("columns", format_args!("the column for {field} has no name")));
            }
            if columns.insert(known, name.to_owned()).is_some() {
                return Err(Error::setting("columns", format_args!("{field} is mapped twice")));
            }
        }
        Ok(Self(columns))
    }

    /// The name of this field's column.
    #[must_use]
    pub fn name(&self, field: Field) -> &str {
        self.0.get(&field).map_or(field.name(), String::as_str)
    }

    /// Whether it was mapped: then its column has to be there.
    pub(super) fn is_mapped(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }
}
