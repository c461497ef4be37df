//! `Outbox`: payouts that are intended in the application's own transaction, by its own connection.

use komopay_batches as batches;
use komopay_batches::Keys;
use komopay_core::{Money, PayoutId};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString, PyTuple};

use super::journal::keys;
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Or, Read, argument, setting};
use crate::money;
use crate::repr::Repr;
use crate::request::PayoutRequest;

/// Takes payouts one by one, in transactions of your own PostgreSQL database: the order and its payout are committed
/// together, or not at all. `Batches.open_outbox` makes it there, and `Batches.drive` pays what is committed.
///
/// `batch_id` is the outbox's. `journal_key`, or `KOMOPAY_JOURNAL_KEY`, is the journal's; schema is where its tables
/// are. An outbox opens nothing, and may be used by any process and thread.
///
/// Errors: `InvalidRequestError`, naming `batch_id`; `ConfigurationError`, naming `journal_key` or `schema`.
///
/// Example:
///
///     >>> from komopay.batches import Outbox, generate_journal_key
///     >>> Outbox("refunds", journal_key=generate_journal_key())
///     Outbox(batch_id='refunds')
#[pyclass(frozen, module = "komopay.batches")]
pub struct Outbox {
    rows: batches::Outbox,
    batch_id: String,
    insert: String,
    look: String,
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
            let insert = format!(
                "INSERT INTO \"{schema}\".outbox (batch, key, payout_id, currency, amount, method, operator, \
                 fingerprint, key_id, body) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) \
                 ON CONFLICT (batch, key) DO NOTHING RETURNING payout_id"
            );
            let look = format!("SELECT payout_id, fingerprint FROM \"{schema}\".outbox WHERE batch = %s AND key = %s");
            Ok(Self { rows, batch_id, insert, look })
        })
    }

    /// Adds a payout in the transaction that connection is in, and gives the id that it is paid under. It is paid if
    /// you commit, and never was if you do not.
    ///
    /// connection is one of DB-API whose placeholders are `%s`, such as psycopg's; of an `SQLAlchemy` session, it is
    /// `session.connection().connection`. key is what you call the payout, such as the order's number: the same key and
    /// request again add nothing. Without a payout id, one is derived from `batch_id` and key. The payee is sealed
    /// before it leaves this process.
    ///
    /// Errors: `InvalidRequestError`, naming the field that cannot be paid, or `key` if another request has it. What
    /// the connection raises is raised as it is.
    #[pyo3(signature = (connection: "SupportsCursor", key, request, *, payout_id=None))]
    fn add(
        &self,
        py: Python<'_>,
        connection: &Bound<'_, PyAny>,
        key: Given<'_, String>,
        request: Given<'_, PayoutRequest>,
        payout_id: Option<Given<'_, PayoutId>>,
    ) -> PyResult<String> {
        guard(py, || {
            let key = argument("key").take(key)?;
            let id = argument("payout_id").maybe(payout_id)?;
            let request = (&argument("request").take(request)?).into();
            let row = self.rows.row(&key, id, &request).map_err(|error| raise(py, &error))?;
            let batches::OutboxRow {
                batch,
                key,
                payout_id,
                currency,
                amount,
                method,
                operator,
                fingerprint,
                key_id,
                body,
            } = row;
            let body = PyBytes::new(py, &body);
            let payout_id = payout_id.as_str();
            let values = (&batch, &key, payout_id, currency, amount, method, operator, fingerprint, key_id, body)
                .into_pyobject(py)?;
            let cursor = connection.call_method0(intern!(py, "cursor"))?;
            let added = self.added(&cursor, &values, (&batch, &key), &request);
            let closed = cursor.call_method0(intern!(py, "close"));
            let added = added?;
            closed?;
            Ok(added.unwrap_or_else(|| payout_id.to_owned()))
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(Repr::new(py, "Outbox").text("batch_id", self.batch_id.as_str()).finish()))
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an Outbox holds keys and cannot be pickled or copied; make one in each process"))
    }
}

impl Outbox {
    /// Adds the row; the payout id of the one that was there before, if one was.
    fn added(
        &self,
        cursor: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        (batch, key): (&str, &str),
        request: &komopay_core::PayoutRequest,
    ) -> PyResult<Option<String>> {
        let py = cursor.py();
        cursor.call_method1(intern!(py, "execute"), (&self.insert, values))?;
        if !cursor.call_method0(intern!(py, "fetchone"))?.is_none() {
            return Ok(None);
        }
        cursor.call_method1(intern!(py, "execute"), (&self.look, (batch, key)))?;
        let found = cursor.call_method0(intern!(py, "fetchone"))?;
        if found.is_none() {
            let problem = "another transaction has just added it; try this one again";
            return Err(argument("key").refuse(py, problem));
        }
        let (id, fingerprint): (String, String) = (found.get_item(0)?.extract()?, found.get_item(1)?.extract()?);
        if self.rows.matches(&fingerprint, request).map_err(|error| raise(py, &error))? {
            Ok(Some(id))
        } else {
            Err(argument("key").refuse(py, "was added before, with another request"))
        }
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
