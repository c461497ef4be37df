//! The command line `komopay`, as the console script of the package runs it.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::error::guard;

/// Runs `komopay` with these arguments, of which the first is the program's name, and returns the exit code.
#[pyfunction]
#[pyo3(signature = (arguments: "list[str]"))]
pub fn run_program(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    guard(py, || Ok(py.detach(|| komopay_cli::run(arguments))))
}
