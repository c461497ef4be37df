//! What a batch consists of: its items, the problems of its rows, and what happened to it.

use std::sync::Mutex;

use komopay_batches as batches;
use komopay_batches::ItemState;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use super::{Batches, values};
use crate::answer::Answered;
use crate::error::guard;
use crate::given::{Argument, Given, Or, Read, argument};
use crate::process::locked;

/// The items of a batch, which are read page by page.
#[pyclass(frozen, name = "_Items", module = "komopay._native")]
pub struct Items {
    batches: Py<Batches>,
    batch_id: String,
    state: Option<ItemState>,
    /// Taken out by who asks for the next one.
    place: Mutex<Option<Place>>,
}

/// How far they are read.
#[derive(Default)]
struct Place {
    page: Option<Py<PyIterator>>,
    after: String,
}

#[pymethods]
impl Items {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Answered<values::ReportItem>>> {
        let Some(mut place) = locked(py, &self.place).take() else {
            return Err(PyValueError::new_err("the items are being read by another thread"));
        };
        let next = self.next(py, &mut place);
        *locked(py, &self.place) = Some(place);
        Ok(next?.map(Answered::new))
    }
}

impl Items {
    fn next(&self, py: Python<'_>, place: &mut Place) -> PyResult<Option<Py<PyAny>>> {
        loop {
            if let Some(page) = &place.page
                && let Some(item) = page.bind(py).clone().next().transpose()?
            {
                place.after = item.getattr("key")?.extract()?;
                return Ok(Some(item.unbind()));
            }
            let page = self.batches.get().page(py, &self.batch_id, self.state, &place.after)?.into_pyobject(py)?;
            if page.cast::<PyList>()?.is_empty() {
                return Ok(None);
            }
            place.page = Some(page.try_iter()?.unbind());
        }
    }
}

impl Read for ItemState {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::STR;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let name = argument.text_of(given)?;
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            argument.refuse(given.py(), &format!("must be one of {names}"))
        })
    }
}

#[pymethods]
impl Batches {
    /// The items of a batch, each once, in the order of their keys: of one state, such as `"needs_person"`, or all of
    /// them. They are read from the journal as a loop goes on, some at a time, so a million need no more memory than
    /// ten; each is as it was when it was read.
    ///
    /// Errors: `InvalidRequestError`, naming `state`; in the loop, naming `batch_id`, if there is none of this id, and
    /// `UnavailableError`, naming `journal`.
    ///
    /// Example:
    ///
    ///     >>> [(item.key, item.state, item.money) for item in batches.items("payroll-2026-11")]
    ///     [('EMP-1', 'planned', Money('250000', 'IDR')), ('EMP-2', 'planned', Money('300000', 'IDR'))]
    ///     >>> list(batches.items("payroll-2026-11", state="needs_person"))
    ///     []
    #[pyo3(signature = (batch_id, *, state=None) -> "Iterator[ReportItem]")]
    fn items(
        slf: Py<Self>,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        state: Option<Given<'_, ItemState>>,
    ) -> PyResult<Items> {
        guard(py, || {
            let batch_id = argument("batch_id").take(batch_id)?;
            let state = argument("state").maybe(state)?;
            Ok(Items { batches: slf, batch_id, state, place: Mutex::new(Some(Place::default())) })
        })
    }

    /// Some of them, for `AsyncBatches`: those behind this key.
    #[pyo3(signature = (batch_id, state, after))]
    fn _items(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        state: Option<Given<'_, ItemState>>,
        after: Given<'_, String>,
    ) -> PyResult<Answered<Vec<values::ReportItem>>> {
        guard(py, || {
            let batch_id = argument("batch_id").take(batch_id)?;
            let state = argument("state").maybe(state)?;
            self.page(py, &batch_id, state, &argument("after").take(after)?)
        })
    }

    /// What is wrong with rows of the input, as it was planned last: those behind this row, up to 2,048 at a time.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.
    ///
    /// Example:
    ///
    ///     >>> planned = batches.plan("payroll-2026-12", [{**employees[0], "amount": "a lot"}], maker="siti")
    ///     >>> [(problem.row, problem.field) for problem in batches.problems("payroll-2026-12")]
    ///     [(1, 'amount')]
    #[pyo3(signature = (batch_id, after=Or::DEFAULT), text_signature = "($self, batch_id, after=0)")]
    fn problems(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        after: Or<'_, u64>,
    ) -> PyResult<Answered<Vec<batches::RowProblem>>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let after = argument("after").take_or(after, 0)?;
            self.call(py, move |batches| async move { batches.problems(&id, after).await })
        })
    }

    /// What happened to a batch: decisions of people, and states that it came to.
    ///
    /// Errors: `InternalError` if the chain of events was broken: one was changed, or is missing.
    ///
    /// Example:
    ///
    ///     >>> [(event.who, event.what) for event in batches.events("payroll-2026-11")]
    ///     [('siti', 'planned')]
    fn events(&self, py: Python<'_>, batch_id: Given<'_, String>) -> PyResult<Answered<Vec<batches::BatchEvent>>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            self.call(py, move |batches| async move { batches.events(&id).await })
        })
    }
}

impl Batches {
    fn page(
        &self,
        py: Python<'_>,
        batch_id: &str,
        state: Option<ItemState>,
        after: &str,
    ) -> PyResult<Answered<Vec<values::ReportItem>>> {
        let (id, after) = (batch_id.to_owned(), after.to_owned());
        self.call(py, move |batches| async move {
            let items = batches.items(&id, state, &after).await?;
            Ok(items.into_iter().map(values::ReportItem::from).collect::<Vec<_>>())
        })
    }
}
