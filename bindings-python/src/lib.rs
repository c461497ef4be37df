//! The native half of the Python package `komopay`: it converts types, maps errors and waits without the GIL.
//!
//! Whatever decides something about money or HTTP is in `komopay-core`.
//!
//! | file | what is in it |
//! |---|---|
//! | `client.rs` | `Client`: one method per operation |
//! | `settings.rs` | its settings, from keyword arguments to the core's `Config` |
//! | `caller.rs` | who makes a call: a thread that blocks, or the running event loop |
//! | `wait.rs` | how a thread waits for a call |
//! | `asynchronous.rs`, `settlement.rs` | calls of an event loop, under `komopay/aio.py`, and how their ends come to it |
//! | `given.rs` | what a caller gave, each read by its name, or refused with it |
//! | `value.rs`, `conversion.rs` | what makes a class of a list of fields; a value of the core into one of ours |
//! | `data.rs`, `text.rs` | values as plain data and back; texts that are personal, texts that are codes |
//! | `answer.rs`, `hint.rs` | what calls answer with; the types that the stub names |
//! | `money.rs`, `request.rs`, `payout.rs`, `history.rs` | the values that go in and come out |
//! | `callback.rs`, `change_store.rs` | callbacks and changes; stores of changes, and what a fork means for them |
//! | `catalogue.rs` | the answers of the catalogue as the values of `komopay/catalogue.py` |
//! | `access.rs`, `token.rs` | tokens for someone else; tokens from a function of the caller's |
//! | `error.rs`, `error_data.rs` | the core's errors as the exceptions of `komopay/errors.py`; panics; plain data |
//! | `runtime.rs` | the one runtime |
//! | `process.rs` | which process this is, and the gate before the GIL |
//! | `live.rs`, `lifecycle.rs` | what forks and the end of the interpreter mean for a client; the hooks of both |
//! | `awaited.rs` | the creates whose callers have not heard of their end |
//! | `messenger.rs` | the thread that takes results and questions to Python |
//! | `logging.rs` | the core's log to Python's `logging` |
//! | `needed.rs` | what of Python is loaded when a client is made |
//! | `repr.rs`, `opaque.rs` | how values show themselves, and what no traceback shows |
//! | `batches.rs`, `batches/` | batches: a journal, its rows, reports and outboxes, for `komopay/batches/` |
//! | `program.rs` | the command line `komopay` |
//! | `testing.rs` | how `komopay-testing` reads what its callers give |

mod access;
mod answer;
mod asynchronous;
mod awaited;
mod batches;
mod callback;
mod caller;
mod catalogue;
mod change_store;
mod client;
mod conversion;
mod data;
mod error;
mod error_data;
mod given;
mod headers;
#[cfg(feature = "stubs")]
mod hint;
mod history;
mod lifecycle;
mod live;
mod logging;
mod messenger;
mod money;
mod needed;
mod opaque;
mod options;
mod payout;
mod process;
mod program;
mod record;
mod repr;
mod request;
mod runtime;
mod settings;
mod settlement;
mod telemetry;
mod testing;
mod text;
mod token;
mod value;
mod wait;
mod waits;

/// The private native module of `komopay`. Import from `komopay` instead.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::access::{AccessScope, AccessToken};
    #[pymodule_export]
    use crate::batches::{
        _fields_of_batches, _read_of_batches, Batches, Items, Outbox, OutboxRow, RowSource, Stop, csv, csv_template,
        generate_journal_key, json_lines,
    };
    #[pymodule_export]
    use crate::callback::{Callback, PayoutChange};
    #[pymodule_export]
    use crate::catalogue::{_fields_of_catalogue, _read_catalogue};
    #[pymodule_export]
    use crate::change_store::{MemoryChangeStore, PostgresChangeStore, SqliteChangeStore};
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::data::{_json, _plain};
    #[pymodule_export]
    use crate::error::{_error_kinds, _panic};
    #[pymodule_export]
    use crate::error_data::_read_error;
    #[pymodule_export]
    use crate::history::{Attempt, Reason};
    #[pymodule_export]
    use crate::lifecycle::{
        _after_fork_in_child, _after_fork_in_parent, _before_fork, _begin_of_worker, _end_of_interpreter,
    };
    #[pymodule_export]
    use crate::money::Money;
    #[pymodule_export]
    use crate::opaque::Opaque;
    #[pymodule_export]
    use crate::payout::{FailureReason, Payout, PayoutAccepted};
    #[pymodule_export]
    use crate::program::run_program;
    #[pymodule_export]
    use crate::request::{
        BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutRequest, WalletAccount, WalletTransfer,
    };

    #[pymodule_export]
    use crate::telemetry::_set_telemetry;
    #[pymodule_export]
    use crate::testing::NamedArgument;

    #[pymodule_export]
    use crate::token::TokenReply;
    #[pymodule_export]
    use crate::waits::PayoutWaits;

    #[pymodule_export]
    const SANDBOX_URL: &str = komopay_core::SANDBOX_URL;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's own name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(py: Python<'_>) -> PyResult<()> {
        let module = &py.import("komopay._native")?;
        crate::logging::start(module)?;
        crate::lifecycle::watch(module)
    }
}
