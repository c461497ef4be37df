//! Callbacks: where they go, when, and what goes wrong with them.

mod courier;
mod delivery;
mod fault;
mod post;
mod rules;

pub(crate) use courier::{Courier, Subscriber};
pub use delivery::{Delivery, DeliveryOutcome};
pub use fault::{CallbackEffect, CallbackFault, CallbackWhen};
pub(crate) use post::is_loopback;
pub(crate) use rules::Rules;
