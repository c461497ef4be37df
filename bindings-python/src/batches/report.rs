//! Where a report is written: into a file by its path, or piece by piece into an open file of Python, which the
//! caller's thread writes to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use komopay_batches::ReportWriter;
use komopay_core::{Error, Result};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use tokio::sync::Notify;

use super::{Batches, apart, values};
use crate::answer::Answered;
use crate::caller::Caller;
use crate::error::guard;
use crate::given::{Argument, Given, Or, Read, argument};
use crate::process::locked;
use crate::telemetry::Told;
use crate::wait::Attend;

/// A piece is written when it is as large as this, or the last one.
const PIECE: usize = 64 * 1024;

/// How a report is written.
#[derive(Clone, Copy)]
pub enum Form {
    Csv,
    JsonLines,
    Html,
}

impl Form {
    /// A report of this form.
    pub fn writer(self, sink: Sink) -> ReportWriter<Sink> {
        match self {
            Self::Csv => ReportWriter::csv(sink),
            Self::JsonLines => ReportWriter::json_lines(sink),
            Self::Html => ReportWriter::html(sink, None),
        }
    }
}

impl Read for Form {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::literal!("csv", "jsonl", "html");

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            "html" => Ok(Self::Html),
            _ => Err(argument.refuse(given.py(), "must be 'csv', 'jsonl' or 'html'")),
        }
    }
}

#[derive(Default)]
struct Pieces {
    bytes: Vec<u8>,
    is_over: bool,
}

/// What was written, and is not in the file yet.
#[derive(Default)]
struct Sheet {
    pieces: Mutex<Pieces>,
    moved: Notify,
}

impl Sheet {
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when there is a piece to be written, which is true, or there will be none but the last.
    async fn filled(&self) -> bool {
        loop {
            {
                let pieces = self.pieces();
                if pieces.is_over || pieces.bytes.len() >= PIECE {
                    return !pieces.is_over;
                }
            }
            self.moved.notified().await;
        }
    }
}

/// Where the crate writes to.
pub enum Sink {
    File(BufWriter<File>),
    Sheet(SheetEnd),
}

/// The end of a sheet that is written to.
pub struct SheetEnd(Arc<Sheet>);

impl Drop for SheetEnd {
    fn drop(&mut self) {
        self.0.pieces().is_over = true;
        self.0.moved.notify_one();
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Sheet(SheetEnd(sheet)) => {
                let mut pieces = sheet.pieces();
                pieces.bytes.extend_from_slice(bytes);
                if pieces.bytes.len() >= PIECE {
                    sheet.moved.notify_one();
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Sheet(_) => Ok(()),
        }
    }
}

/// A report on its way to where the caller wants it.
#[pyclass(frozen, name = "_Writing", module = "komopay._native")]
pub struct Writing {
    target: Py<PyAny>,
    /// None, if it goes into a file by its path.
    sheet: Option<Arc<Sheet>>,
}

#[pymethods]
impl Writing {
    /// Starts a call of the event loop that ends when there is a piece to be written, which is true, or only the last.
    fn _filled(&self, py: Python<'_>) -> PyResult<Answered<bool>> {
        guard(py, || {
            let sheet = self.sheet.clone();
            let filled = async move {
                match sheet {
                    Some(sheet) => Ok(sheet.filled().await),
                    None => Ok(false),
                }
            };
            Caller::EventLoop.start(py)?.call(py, None, Told::nobody(), filled)
        })
    }

    /// Writes what there is.
    fn _write(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.write(py))
    }
}

impl Writing {
    /// A report into a file: a path, or one that is open for writing.
    pub fn to(target: &Bound<'_, PyAny>) -> PyResult<Self> {
        let is_file = target.hasattr(intern!(target.py(), "write"))?;
        if !is_file {
            argument("target").path(target)?;
        }
        Ok(Self { target: target.clone().unbind(), sheet: is_file.then(Arc::default) })
    }

    /// Where the crate is to write to, once it does.
    pub fn sink(&self, py: Python<'_>) -> PyResult<impl FnOnce() -> Result<Sink> + Send + use<>> {
        let path = match &self.sheet {
            Some(_) => None,
            None => Some(argument("target").path(self.target.bind(py))?),
        };
        let end = self.sheet.clone().map(SheetEnd);
        Ok(move || match (end, path) {
            (Some(end), _) => Ok(Sink::Sheet(end)),
            (None, Some(path)) => match File::create(&path) {
                Ok(file) => Ok(Sink::File(BufWriter::new(file))),
                Err(error) => {
                    Err(Error::setting("report", format_args!("{} cannot be written: {error}", path.display())))
                }
            },
            (None, None) => Err(Error::internal("a report goes nowhere")),
        })
    }

    /// Writes what there is, in the caller's thread: bytes, or text into a file of text.
    pub fn write(&self, py: Python<'_>) -> PyResult<()> {
        let Some(sheet) = &self.sheet else { return Ok(()) };
        let target = self.target.bind(py);
        let is_text = target.hasattr(intern!(py, "encoding"))?;
        let bytes = {
            let mut pieces = locked(py, &sheet.pieces);
            let whole = match std::str::from_utf8(&pieces.bytes) {
                Err(error) if is_text => error.valid_up_to(),
                _ => pieces.bytes.len(),
            };
            // What is left is the begin of a character.
            let rest = pieces.bytes.split_off(whole);
            std::mem::replace(&mut pieces.bytes, rest)
        };
        if is_text {
            let text = String::from_utf8_lossy(&bytes);
            return target.call_method1(intern!(py, "write"), (PyString::new(py, &text),)).map(drop);
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            // A file without a buffer may take less at a time.
            let written = target.call_method1(intern!(py, "write"), (PyBytes::new(py, rest),))?;
            let written = written.extract::<usize>().unwrap_or(rest.len());
            rest = rest.get(written.max(1)..).unwrap_or_default();
        }
        Ok(())
    }
}

/// A thread that waits for a report writes it.
impl Attend for Writing {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        let sheet = self.sheet.clone();
        async move {
            let is_filled = match sheet {
                Some(sheet) => sheet.filled().await,
                None => false,
            };
            if !is_filled {
                std::future::pending::<()>().await;
            }
        }
    }

    fn attend(&self, py: Python<'_>) -> PyResult<()> {
        match &self.sheet {
            Some(sheet) if locked(py, &sheet.pieces).bytes.len() >= PIECE => self.write(py),
            _ => Ok(()),
        }
    }

    fn end_softly(&self) -> bool {
        false
    }
}

#[pymethods]
impl Batches {
    /// Writes the report of a batch as it stands now, item by item, and gives its totals.
    ///
    /// target is a path, or a file that is open for writing: of bytes, or of text (with `newline=""`). format is
    /// `"csv"`, a row per item; `"jsonl"`, an object per item and a last one of the batch; or `"html"`, one page for
    /// people. It holds no name and no whole account number.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id; `ConfigurationError`, naming
    /// `report`, if it cannot be written. What an open file raises is raised as it is.
    ///
    /// Example:
    ///
    ///     >>> from io import StringIO
    ///     >>> file = StringIO(newline="")  # or a path
    ///     >>> totals = batches.report("payroll-2026-11", file, format="csv")
    ///     >>> totals.count("planned"), file.getvalue().count("EMP-")
    ///     (2, 2)
    #[pyo3(signature = (batch_id, target: "str | PathLike[str] | SupportsWrite", *, format=Or::DEFAULT),
        text_signature = "($self, batch_id, target, *, format='csv')")]
    fn report(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        target: &Bound<'_, PyAny>,
        format: Or<'_, Form>,
    ) -> PyResult<Answered<values::ReportTotals>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let form = argument("format").take_or(format, Form::Csv)?;
            let made;
            let writing = if let Ok(writing) = target.cast::<Writing>() {
                writing.get()
            } else {
                made = Writing::to(target)?;
                &made
            };
            let (sink, open) = (writing.sink(py)?, self.journal.open(py)?);
            let call = async move {
                let batches = open.await?;
                batches.status(&id).await?;
                batches.report(&id, form.writer(sink()?)).await.map(values::ReportTotals::from)
            };
            let totals = self.caller.start(py)?.call_attending(py, writing, apart(call))?;
            if matches!(self.caller, Caller::Blocks) {
                writing.write(py)?;
            }
            Ok(totals)
        })
    }

    /// A report for an event loop, which writes it.
    #[pyo3(signature = (target: "str | PathLike[str] | SupportsWrite") -> "object")]
    #[allow(clippy::unused_self, reason = "a method of the batches that it is for")]
    fn _writing(&self, py: Python<'_>, target: &Bound<'_, PyAny>) -> PyResult<Writing> {
        guard(py, || Writing::to(target))
    }
}
