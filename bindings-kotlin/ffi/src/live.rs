//! The clients of this library, and what becomes of their creates at the end of the process.

use komopay_bindings_common::Clients;
use komopay_bindings_common::clients::{GRACE, log_left_behind};
use komopay_core::Error;

use crate::runtime;

pub static CLIENTS: Clients = Clients::new();

/// Whether any create is under way, also of a client that was closed or dropped.
#[uniffi::export]
fn any_create_under_way() -> bool {
    CLIENTS.any_create_under_way()
}

/// Before the process ends: refuses calls from now on, gives the creates under way a short time, and names in the log
/// and in the result those that did not end in it.
#[uniffi::export]
fn end_of_process() -> Vec<String> {
    let ending = CLIENTS.end();
    runtime::wait_briefly(GRACE, ending.clone().close());
    let why = "the process ends before this create has";
    let tell = |id| {
        log_left_behind(&id, why, "resume");
        Error::lost_create(&id, why).message().to_owned()
    };
    ending.creates_under_way().into_iter().map(tell).collect()
}
