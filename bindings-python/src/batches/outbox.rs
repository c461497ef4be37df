//! Outboxes: how one is opened, and the rows that `komopay/batches/outbox.py` adds in the application's own
//! transaction.

use komopay_batches as batches;
use komopay_batches::{BatchSettings, BatchTokens, Keys};
use komopay_core::{Money, PayoutId};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping, PyString, PyTuple};

use super::Batches;
use super::journal::keys;
use super::settings::settings;
use crate::answer::Answered;
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Or, Read, argument, setting};
use crate::money;
use crate::request::PayoutRequest;

#[pymethods]
impl Batches {
    /// Opens an outbox: a batch that takes payouts one by one, in transactions of your own (`Outbox`). Gives the digest
    /// to approve. It needs a journal in the database that those transactions are of.
    ///
    /// It has no contents to approve: ceilings are approved instead, by currency the most of one payout and the most of
    /// an hour. What is above pauses it; a currency that is not there is not paid. Other settings than before void the
    /// approval. The settings are those of `plan`.
    ///
    /// Errors: `ConfigurationError`, naming `journal` if that is no PostgreSQL, or a setting; `InvalidRequestError`,
    /// naming what cannot be used.
    ///
    /// Example:
    ///
    ///     >>> digest = batches.open_outbox("tips", maker="siti", ceilings={"IDR": (5_000_000, 100_000_000)})
    ///     >>> batches.approve("tips", by="budi", digest=digest)
    ///     >>> batches.start("tips", by="budi")
    #[pyo3(
        signature = (batch_id, *, maker, ceilings, concurrency=Or::DEFAULT, requests_per_second=None,
            tokens=Or::DEFAULT, token_seconds=Or::DEFAULT, max_refusals=None, max_refused_share=Or::DEFAULT,
            stop_on_low_balance=Or::DEFAULT, approval_by_another=Or::DEFAULT),
        text_signature = "($self, batch_id, *, maker, ceilings, concurrency=32, requests_per_second=None, \
            tokens='chunk', token_seconds=60, max_refusals=None, max_refused_share=0.1, stop_on_low_balance=True, \
            approval_by_another=True)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn open_outbox(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        maker: Given<'_, String>,
        ceilings: Given<'_, Ceilings>,
        concurrency: Or<'_, u32>,
        requests_per_second: Option<Given<'_, f64>>,
        tokens: Or<'_, BatchTokens>,
        token_seconds: Or<'_, u64>,
        max_refusals: Option<Given<'_, u64>>,
        max_refused_share: Or<'_, f64>,
        stop_on_low_balance: Or<'_, bool>,
        approval_by_another: Or<'_, bool>,
    ) -> PyResult<Answered<String>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let maker = argument("maker").take(maker)?;
            let settings = BatchSettings {
                ceilings: setting("ceilings").take(ceilings)?.0,
                ..settings(
                    concurrency,
                    requests_per_second,
                    tokens,
                    token_seconds,
                    max_refusals,
                    max_refused_share,
                    stop_on_low_balance,
                    approval_by_another,
                )?
            };
            self.call(py, move |batches| async move { batches.open_outbox(&id, &maker, &settings).await })
        })
    }
}

/// Makes the rows of an outbox: `komopay.batches.Outbox`, which has the documentation, adds them.
#[pyclass(frozen, name = "_Outbox", module = "komopay._native")]
pub struct Outbox {
    rows: batches::Outbox,
    batch_id: String,
    schema: String,
}

#[pymethods]
impl Outbox {
    #[new]
    #[pyo3(signature = (batch_id, *, journal_key=None, schema=Or::DEFAULT),
        text_signature = "(batch_id, *, journal_key=None, schema='komopay')")]
    fn new(
        py: Python<'_>,
        batch_id: Given<'_, String>,
        journal_key: Option<Given<'_, String>>,
        schema: Or<'_, String>,
    ) -> PyResult<Self> {
        guard(py, || {
            let batch_id = argument("batch_id").take(batch_id)?;
            let keys: Keys = keys(py, journal_key)?;
            let schema = setting("schema").take_or(schema, "komopay".to_owned())?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if schema.is_empty() || !schema.chars().all(is_name) {
                return Err(setting("schema").refuse(py, "must be letters, digits and '_'"));
            }
            let rows = batches::Outbox::new(&batch_id, keys).map_err(|error| raise(py, &error))?;
            Ok(Self { rows, batch_id, schema })
        })
    }

    #[getter]
    fn batch_id(&self) -> &str {
        &self.batch_id
    }

    /// The row of a payout, checked and sealed, for a driver with placeholders of this style.
    fn _row(
        slf: Py<Self>,
        py: Python<'_>,
        key: Given<'_, String>,
        request: Given<'_, PayoutRequest>,
        payout_id: Option<Given<'_, PayoutId>>,
        style: Given<'_, Style>,
    ) -> PyResult<OutboxRow> {
        guard(py, || {
            let key = argument("key").take(key)?;
            let id = argument("payout_id").maybe(payout_id)?;
            let style = argument("style").take(style)?;
            let request = (&argument("request").take(request)?).into();
            let row = slf.get().rows.row(&key, id, &request).map_err(|error| raise(py, &error))?;
            Ok(OutboxRow { outbox: slf, row, request, style })
        })
    }
}

/// How a driver writes the place of a value, by its name in DB-API.
#[derive(Clone, Copy)]
enum Style {
    Format,
    Qmark,
    Numeric,
    NumericDollar,
    Named,
}

impl Read for Style {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::STR;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "format" | "pyformat" => Ok(Self::Format),
            "qmark" => Ok(Self::Qmark),
            "numeric" => Ok(Self::Numeric),
            "numeric_dollar" => Ok(Self::NumericDollar),
            "named" => Ok(Self::Named),
            _ => Err(argument.refuse(given.py(), "is none of DB-API")),
        }
    }
}

impl Style {
    /// The place of a value, by its name and its number from 1.
    fn place(self, name: &str, number: usize) -> String {
        match self {
            Self::Format => "%s".to_owned(),
            Self::Qmark => "?".to_owned(),
            Self::Numeric => format!(":{number}"),
            Self::NumericDollar => format!("${number}"),
            Self::Named => format!(":{name}"),
        }
    }

    fn values<'py>(self, py: Python<'py>, named: Vec<(&str, Bound<'py, PyAny>)>) -> PyResult<Bound<'py, PyAny>> {
        if !matches!(self, Self::Named) {
            return Ok(PyTuple::new(py, named.into_iter().map(|(_, value)| value))?.into_any());
        }
        let values = PyDict::new(py);
        for (name, value) in named {
            values.set_item(name, value)?;
        }
        Ok(values.into_any())
    }
}

/// A row of an outbox, and what is asked of the database to add it.
#[pyclass(frozen, name = "_OutboxRow", module = "komopay._native")]
pub struct OutboxRow {
    outbox: Py<Outbox>,
    row: batches::OutboxRow,
    request: komopay_core::PayoutRequest,
    style: Style,
}

#[pymethods]
impl OutboxRow {
    /// The id that it is paid under, if it is new.
    #[getter]
    fn payout_id(&self) -> &str {
        self.row.payout_id.as_str()
    }

    /// A statement and its values: adds the row, and gives one if it is new.
    #[pyo3(signature = () -> "tuple[str, object]")]
    fn _insert<'py>(&self, py: Python<'py>) -> PyResult<(String, Bound<'py, PyAny>)> {
        let Self { row, style, outbox, request: _ } = self;
        let batches::OutboxRow { batch, key, payout_id, currency, amount, method, operator, fingerprint, .. } = row;
        let text = |text: &str| PyString::new(py, text).into_any();
        let named = vec![
            ("batch", text(batch)),
            ("key", text(key)),
            ("payout_id", text(payout_id.as_str())),
            ("currency", text(currency)),
            ("amount", text(amount)),
            ("method", text(method)),
            ("operator", operator.as_deref().into_pyobject(py)?),
            ("fingerprint", text(fingerprint)),
            ("key_id", text(&row.key_id)),
            ("body", PyBytes::new(py, &row.body).into_any()),
        ];
        let columns = named.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let places = named.iter().enumerate().map(|(at, (name, _))| style.place(name, at + 1));
        let statement = format!(
            "INSERT INTO \"{}\".outbox ({columns}) VALUES ({}) ON CONFLICT (batch, key) DO NOTHING \
             RETURNING payout_id",
            outbox.get().schema,
            places.collect::<Vec<_>>().join(", ")
        );
        Ok((statement, style.values(py, named)?))
    }

    /// A statement and its values: the payout id and the fingerprint of the row that was there before.
    #[pyo3(signature = () -> "tuple[str, object]")]
    fn _look<'py>(&self, py: Python<'py>) -> PyResult<(String, Bound<'py, PyAny>)> {
        let statement = format!(
            "SELECT payout_id, fingerprint FROM \"{}\".outbox WHERE batch = {} AND key = {}",
            self.outbox.get().schema,
            self.style.place("batch", 1),
            self.style.place("key", 2)
        );
        let text = |text: &str| PyString::new(py, text).into_any();
        let named = vec![("batch", text(&self.row.batch)), ("key", text(&self.row.key))];
        Ok((statement, self.style.values(py, named)?))
    }

    /// Refuses the key, unless what was added under it before is this request.
    fn _check(&self, py: Python<'_>, fingerprint: Option<Given<'_, String>>) -> PyResult<()> {
        guard(py, || {
            let Some(fingerprint) = argument("fingerprint").maybe(fingerprint)? else {
                let problem = "another transaction has just added it; try this one again";
                return Err(argument("key").refuse(py, problem));
            };
            let matches = self.outbox.get().rows.matches(&fingerprint, &self.request);
            if matches.map_err(|error| raise(py, &error))? {
                Ok(())
            } else {
                Err(argument("key").refuse(py, "was added before, with another request"))
            }
        })
    }
}

/// What an outbox may pay, by currency: the most of one payout, and the most of an hour.
pub struct Ceilings(pub Vec<batches::Ceiling>);

impl Read for Ceilings {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Mapping"),
        crate::hint::STR,
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("builtins", "tuple"),
            crate::hint::AMOUNT,
            crate::hint::AMOUNT
        )
    );

    fn read(name: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = given.py();
        let wanted =
            "a dict of the most of one payout and the most of an hour, such as {'IDR': (5_000_000, 100_000_000)}";
        let mapping = given.cast::<PyMapping>().map_err(|_| name.wrong_type(given, wanted))?;
        let ceiling = |entry: Bound<'_, PyAny>| {
            let (currency, both): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
            let Ok((item, hour)) = both.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else {
                return Err(name.wrong_type(&both, wanted));
            };
            let amount = |amount: &Bound<'_, PyAny>| {
                let money = money::Money::exact(amount, &currency).map(|money| Money::from(&money));
                money.map(|money| money.amount().to_string())
            };
            let refuse = |error: PyErr| name.refuse(py, &error.value(py).to_string());
            let amounts = (amount(&item).map_err(refuse)?, amount(&hour).map_err(refuse)?);
            let currency = name.text(currency.cast::<PyString>()?.as_any())?;
            Ok(batches::Ceiling::new(currency, amounts.0, amounts.1))
        };
        mapping.items()?.iter().map(ceiling).collect::<PyResult<_>>().map(Self)
    }
}
