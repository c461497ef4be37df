//! The rows that a caller gives for a plan: a file by its path, or what only Python can read: an open file, or anything
//! that can be iterated over. That is read on the caller's thread, some rows at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use komopay_batches as batches;
use komopay_batches::Columns;
use komopay_core::{MethodCode, PayoutId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyInt, PyIterator, PyList, PyMapping, PySequence, PyString, PyTuple,
};

use super::feed::{Drafted, Feeder, Group, Problem, line};
use super::rows::{Format, Origin, Unopened};
use crate::answer::Answered;
use crate::caller::Caller;
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Or, Read, argument, setting};
use crate::process::locked;
use crate::request::PayoutRequest;
use crate::telemetry::Told;
use crate::wait::Attend;

/// How many rows are read at a time.
const ROWS: usize = 500;

/// How much of a file is read at a time.
const BYTES: usize = 256 * 1024;

/// What is read.
enum Source {
    Path(PathBuf),
    /// An open file: bytes, or text.
    File(Py<PyAny>),
    /// An iterator of rows.
    Rows(Py<PyAny>),
    /// Whatever is handed over by an `async for`.
    AsyncRows,
}

/// A file of rows for a plan: what `komopay.batches.csv` and `json_lines` give.
///
/// Example:
///
///     >>> from komopay import batches
///     >>> batches.csv("payroll.csv", delimiter=";")
///     RowSource('payroll.csv')
#[pyclass(frozen, module = "komopay.batches")]
pub struct RowSource {
    format: Format,
    columns: Columns,
    source: Py<PyAny>,
}

#[pymethods]
impl RowSource {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(format!("RowSource({})", self.source.bind(py).repr()?)))
    }
}

/// The rows of a CSV file, for `plan`: RFC 4180, in UTF-8, with a header. `csv_template` gives its columns.
///
/// source is a path, or a file that is open for reading. columns maps names of the template to those of the file, such
/// as `{"id": "Invoice no."}`: a column that is not mapped has its name in the template. Columns that are not known are
/// told by the plan, and not used.
///
/// Errors: `ConfigurationError`, naming `columns` or `delimiter`. What is wrong with the file, the plan says.
///
/// Example:
///
///     >>> from komopay import batches
///     >>> rows = batches.csv("payroll.csv", columns={"id": "employee", "amount": "net"})
#[pyfunction]
#[pyo3(signature = (source: "str | PathLike[str] | SupportsRead", *, columns=None, delimiter=Or::DEFAULT),
    text_signature = "(source, *, columns=None, delimiter=',')")]
pub fn csv(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    columns: Option<Given<'_, Mapped>>,
    delimiter: Or<'_, String>,
) -> PyResult<RowSource> {
    guard(py, || {
        let delimiter = setting("delimiter").take_or(delimiter, ",".to_owned())?;
        let mut characters = delimiter.chars();
        let (Some(delimiter), None) = (characters.next(), characters.next()) else {
            return Err(setting("delimiter").refuse(py, "must be one character, such as ';'"));
        };
        row_source(source, Format::Csv(delimiter), columns)
    })
}

/// The rows of a JSON Lines file, for `plan`: an object on each line, in UTF-8, with the names of the CSV template.
///
/// source and columns are as those of `csv`. Values are strings; the amount may be a whole number. A name that is not
/// known is a problem of its row.
///
/// Errors: `ConfigurationError`, naming `columns`. What is wrong with the file, the plan says.
///
/// Example:
///
///     >>> from komopay import batches
///     >>> rows = batches.json_lines("payroll.jsonl")
#[pyfunction]
#[pyo3(signature = (source: "str | PathLike[str] | SupportsRead", *, columns=None))]
pub fn json_lines(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    columns: Option<Given<'_, Mapped>>,
) -> PyResult<RowSource> {
    guard(py, || row_source(source, Format::JsonLines, columns))
}

/// The header of a CSV file for payouts by this method, such as `BANK_TRANSFER`, or without one by any: every column
/// that it may have.
///
/// Errors: `InvalidRequestError`, naming `method_code`, if it is not known.
///
/// Example:
///
///     >>> from komopay.batches import csv_template
///     >>> csv_template().split(",")[:4]
///     ['id', 'payout_id', 'amount', 'currency']
#[pyfunction]
#[pyo3(signature = (method_code=None))]
pub fn csv_template(py: Python<'_>, method_code: Option<Given<'_, String>>) -> PyResult<String> {
    guard(py, || {
        let name = argument("method_code");
        let code = name.maybe(method_code)?.map(|code| MethodCode::from(code.as_str()));
        if let Some(MethodCode::Unknown(_)) = code {
            return Err(name.refuse(py, &format!("must be one of {}", MethodCode::KNOWN.join(", "))));
        }
        Ok(batches::csv_template(code.as_ref()))
    })
}

fn row_source(source: &Bound<'_, PyAny>, format: Format, columns: Option<Given<'_, Mapped>>) -> PyResult<RowSource> {
    let columns = setting("columns").maybe(columns)?.map(|columns| columns.0).unwrap_or_default();
    if !is_file(source)? {
        argument("source").path(source)?;
    }
    Ok(RowSource { format, columns, source: source.clone().unbind() })
}

fn is_file(source: &Bound<'_, PyAny>) -> PyResult<bool> {
    source.hasattr(intern!(source.py(), "read"))
}

/// Names of the template, and what they are called in a file.
pub struct Mapped(Columns);

impl Read for Mapped {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Mapping"),
        crate::hint::STR,
        crate::hint::STR
    );

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let wanted = "a dict of the names of the template and of the file's columns";
        let mapping = given.cast::<PyMapping>().map_err(|_| argument.wrong_type(given, wanted))?;
        let pair = |item: Bound<'_, PyAny>| {
            let (field, name): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            Ok((argument.text(&field)?, argument.text(&name)?))
        };
        let pairs = mapping.items()?.iter().map(pair).collect::<PyResult<Vec<_>>>()?;
        Columns::of(pairs).map(Self).map_err(|error| raise(given.py(), &error))
    }
}

/// What the rows of an iterable are, which its first tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Requests,
    Mappings,
}

/// Rows on their way to one plan.
#[pyclass(frozen, name = "_Feeding", module = "komopay._native")]
pub struct Feeding {
    source: Source,
    /// None, where Python reads nothing, and when it is over.
    feeder: Mutex<Option<Feeder>>,
    unopened: Mutex<Option<Unopened>>,
    /// Of the rows so far, and how many they are.
    seen: Mutex<(Option<Kind>, u64)>,
}

#[pymethods]
impl Feeding {
    /// Starts a call of the event loop that ends when rows are wanted, which is true, or none will be any more.
    fn _wanted(&self, py: Python<'_>) -> PyResult<Answered<bool>> {
        guard(py, || {
            let wanted = locked(py, &self.feeder).as_ref().map(Feeder::wanted);
            let wanted = async move {
                match wanted {
                    Some(wanted) => Ok(wanted.await),
                    None => Ok(false),
                }
            };
            let caller = Caller::EventLoop;
            caller.start(py)?.call(py, None, Told::nobody(), wanted)
        })
    }

    /// Reads some rows, and hands them over.
    fn _give(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.feed(py))
    }

    /// Hands over these rows; none are the end.
    #[pyo3(signature = (rows: "list[object]"))]
    fn _give_rows(&self, py: Python<'_>, rows: &Bound<'_, PyList>) -> PyResult<()> {
        guard(py, || {
            let group = self.rows(&rows.try_iter()?)?;
            self.give(py, group);
            Ok(())
        })
    }

    /// Whether rows come by an `async for`.
    #[getter]
    fn _is_async(&self) -> bool {
        matches!(self.source, Source::AsyncRows)
    }

    /// Nobody hands over any more.
    fn _close(&self, py: Python<'_>) {
        drop(locked(py, &self.feeder).take());
    }
}

impl Feeding {
    /// What a caller gave as rows. Only an event loop can read what is asynchronous.
    pub fn of(given: &Bound<'_, PyAny>, has_loop: bool) -> PyResult<Self> {
        let py = given.py();
        let (source, format, columns) = match given.cast::<RowSource>() {
            Ok(file) => {
                let RowSource { format, columns, source } = file.get();
                let source = source.bind(py);
                let source = if is_file(source)? {
                    Source::File(source.clone().unbind())
                } else {
                    Source::Path(argument("source").path(source)?)
                };
                (source, *format, columns.clone())
            }
            Err(_) => (rows_of(given, has_loop)?, Format::Requests, Columns::default()),
        };
        let (feeder, origin) = if let Source::Path(path) = &source {
            (None, Origin::Path(path.clone()))
        } else {
            let (feeder, fed) = line();
            (Some(feeder), Origin::Fed(fed))
        };
        Ok(Self {
            source,
            feeder: Mutex::new(feeder),
            unopened: Mutex::new(Some(Unopened { format, columns, origin })),
            seen: Mutex::new((None, 0)),
        })
    }

    /// The other end, for the plan: once.
    pub fn unopened(&self, py: Python<'_>) -> PyResult<Unopened> {
        let unopened = locked(py, &self.unopened).take();
        unopened.ok_or_else(|| argument("rows").refuse(py, "were taken for a plan already"))
    }

    /// Reads some rows and hands them over, if they are wanted.
    fn feed(&self, py: Python<'_>) -> PyResult<()> {
        if !locked(py, &self.feeder).as_ref().is_some_and(Feeder::is_wanted) {
            return Ok(());
        }
        let group = match &self.source {
            Source::File(file) => bytes_of(file.bind(py))?,
            Source::Rows(rows) => self.rows(rows.bind(py).cast::<PyIterator>()?)?,
            Source::Path(_) | Source::AsyncRows => return Ok(()),
        };
        self.give(py, group);
        Ok(())
    }

    fn give(&self, py: Python<'_>, group: Group) {
        if let Some(feeder) = locked(py, &self.feeder).as_ref() {
            feeder.give(group);
        }
    }

    /// Some rows of an iterator. What it raises stays as it is.
    fn rows(&self, rows: &Bound<'_, PyIterator>) -> PyResult<Group> {
        let py = rows.py();
        let (mut requests, mut lines) = (Vec::new(), Vec::new());
        let (mut kind, mut row) = *locked(py, &self.seen);
        let mut rows = rows.clone();
        for _ in 0..ROWS {
            let Some(given) = rows.next().transpose()? else { break };
            row += 1;
            let of = read_kind(row, &given)?;
            if *kind.get_or_insert(of) != of {
                let problem = "is of another kind than those before it: all must be dicts, or none";
                return Err(refuse(py, row, problem));
            }
            match of {
                Kind::Requests => requests.push(drafted(row, &given)?),
                Kind::Mappings => lines.extend(json_line(row, &given)?),
            }
        }
        *locked(py, &self.seen) = (kind, row);
        Ok(if !lines.is_empty() {
            Group::Bytes(lines)
        } else if !requests.is_empty() {
            Group::Requests(requests)
        } else {
            Group::End
        })
    }
}

/// A thread that waits for a plan reads its rows.
impl Attend for Feeding {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        let wanted = self.feeder.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Feeder::wanted);
        async move {
            let is_wanted = match wanted {
                Some(wanted) => wanted.await,
                None => false,
            };
            if !is_wanted {
                std::future::pending::<()>().await;
            }
        }
    }

    fn attend(&self, py: Python<'_>) -> PyResult<()> {
        self.feed(py)
    }

    fn end_softly(&self) -> bool {
        false
    }
}

/// Shared, by a call and its caller.
impl Attend for Arc<Feeding> {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        Feeding::needed(self)
    }

    fn attend(&self, py: Python<'_>) -> PyResult<()> {
        Feeding::attend(self, py)
    }

    fn end_softly(&self) -> bool {
        false
    }
}

/// What can be iterated over.
fn rows_of(given: &Bound<'_, PyAny>, has_loop: bool) -> PyResult<Source> {
    let py = given.py();
    let wanted = "what komopay.batches.csv or json_lines gives, or an iterable of rows";
    let is_text = given.is_instance_of::<PyString>() || given.is_instance_of::<PyBytes>();
    if !is_text && let Ok(rows) = given.try_iter() {
        return Ok(Source::Rows(rows.into_any().unbind()));
    }
    if given.hasattr(intern!(py, "__aiter__"))? {
        if has_loop {
            return Ok(Source::AsyncRows);
        }
        return Err(argument("rows").refuse(py, "is asynchronous: give it to an AsyncBatches"));
    }
    Err(argument("rows").wrong_type(given, wanted))
}

/// A piece of an open file, as bytes.
fn bytes_of(file: &Bound<'_, PyAny>) -> PyResult<Group> {
    let py = file.py();
    let read = file.call_method1(intern!(py, "read"), (BYTES,))?;
    let bytes = match read.cast::<PyBytes>() {
        Ok(bytes) => bytes.as_bytes().to_vec(),
        Err(_) if read.is_instance_of::<PyString>() => argument("source").text(&read)?.into_bytes(),
        Err(_) => return Err(argument("source").wrong_type(&read, "a file that gives bytes or str")),
    };
    Ok(if bytes.is_empty() { Group::End } else { Group::Bytes(bytes) })
}

/// The error of a row that is no row: a fault of the program, and not of its data.
fn refuse(py: Python<'_>, row: u64, problem: &str) -> PyErr {
    argument("rows").refuse(py, &format!("row {row} {problem}"))
}

fn read_kind(row: u64, given: &Bound<'_, PyAny>) -> PyResult<Kind> {
    if given.is_instance_of::<PyTuple>() || given.is_instance_of::<PyList>() {
        return Ok(Kind::Requests);
    }
    if given.cast::<PyMapping>().is_ok() {
        return Ok(Kind::Mappings);
    }
    let class = given.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string());
    let problem = format!(
        "must be (key, PayoutRequest), (key, payout_id, PayoutRequest) or a dict with the names of the template, not \
         {class}"
    );
    Err(refuse(given.py(), row, &problem))
}

/// A key, a payout id if there is one, and a request.
fn drafted(row: u64, given: &Bound<'_, PyAny>) -> PyResult<Drafted> {
    let (py, row_of) = (given.py(), given.cast::<PySequence>()?);
    let (key, id, request) = match row_of.len()? {
        2 => (row_of.get_item(0)?, None, row_of.get_item(1)?),
        3 => (row_of.get_item(0)?, Some(row_of.get_item(1)?), row_of.get_item(2)?),
        count => {
            let problem =
                format!("has {count} parts, and must be (key, PayoutRequest) or (key, payout_id, PayoutRequest)");
            return Err(refuse(py, row, &problem));
        }
    };
    let name = format!("rows, row {row}");
    let key = argument(&format!("{name}, key")).text(&key)?;
    let id = id.filter(|id| !id.is_none()).map(|id| argument(&format!("{name}, payout_id")).text(&id)).transpose()?;
    let request = argument(&name).object::<PayoutRequest>(&request)?.get().into();
    Ok(match id.map(PayoutId::new).transpose() {
        Ok(id) => Ok((key, id, request)),
        Err(error) => {
            let problem = error.message().strip_prefix("payout_id: ").unwrap_or(error.message()).to_owned();
            Err(Problem { field: "payout_id", problem })
        }
    })
}

/// A mapping as a line of JSON, which the crate reads with the rules that it has for those.
fn json_line(row: u64, given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let (py, cells) = (given.py(), PyDict::new(given.py()));
    for item in given.cast::<PyMapping>()?.items()? {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let Ok(name) = name.cast::<PyString>() else {
            return Err(refuse(py, row, "has a name that is no str"));
        };
        cells.set_item(name, cell(&value)?)?;
    }
    let line = py.import(intern!(py, "json"))?.call_method1(intern!(py, "dumps"), (cells,))?;
    let mut line = line.cast::<PyString>()?.to_str()?.as_bytes().to_vec();
    line.push(b'\n');
    Ok(line)
}

/// A value as JSON has it: what data frames hold where nothing is, is nothing; what is neither text nor a whole number
/// is left to be refused by its name.
fn cell<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let class = value.get_type();
    let class_name = class.name()?;
    if value.is_none() || ["NAType", "NaTType"].iter().any(|name| class_name == *name) {
        return Ok(py.None().into_bound(py));
    }
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBool>() {
        return Ok(value.clone());
    }
    if value.is_instance(&py.import(intern!(py, "decimal"))?.getattr(intern!(py, "Decimal"))?)? {
        if value.call_method0(intern!(py, "is_nan"))?.is_truthy()? {
            return Ok(py.None().into_bound(py));
        }
        return value.call_method1(intern!(py, "__format__"), ("f",));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(match number.value() {
            number if number.is_nan() => py.None().into_bound(py),
            number if number.is_finite() => value.clone(),
            _ => PyList::empty(py).into_any(),
        });
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(value.clone());
    }
    // Such as an int of numpy.
    match py.import(intern!(py, "operator"))?.call_method1(intern!(py, "index"), (value,)) {
        Ok(number) => Ok(number),
        Err(_) => Ok(PyList::empty(py).into_any()),
    }
}
