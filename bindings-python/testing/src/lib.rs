//! The native half of the Python package `komopay-testing`: the stand-in gateway, as Python sees it.
//!
//! | file | what is in it |
//! |---|---|
//! | `sandbox.rs` | the gateway inside the process, and its program |
//! | `given.rs` | what a caller gave, read by `komopay` itself |
//! | `panics.rs` | a panic as an ordinary exception |

mod given;
mod panics;
mod sandbox;

/// The private native module of `komopay-testing`. Import from `komopay.testing` instead.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::sandbox::{Sandbox, magic_numbers, operations, run_program};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's own name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
