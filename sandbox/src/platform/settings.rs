//! What a running gateway goes by.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::callbacks::Rules;
use crate::http::exchange::Observer;
use crate::platform::catalogue::Catalogue;

/// The settings of a gateway. No `Debug`: it holds the secret.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    pub(crate) processing_time: Duration,
    pub(crate) seed: u64,
    pub(crate) control: bool,
    /// What calls of the control API must bring along. Empty where it is off.
    pub(crate) control_token: String,
    /// The ports of this machine to which the control API may forge callbacks.
    pub(crate) forge_to_ports: BTreeSet<u16>,
    pub(crate) merchant_code: String,
    pub(crate) secret: String,
    pub(crate) merchant_active: bool,
    pub(crate) locked_tokens_may_read: bool,
    /// For how long after its end a token is taken.
    pub(crate) token_leeway: Duration,
    pub(crate) documented_answers: bool,
    pub(crate) denied_ips: BTreeSet<IpAddr>,
    pub(crate) balances: BTreeMap<String, Decimal>,
    pub(crate) catalogue: Catalogue,
    pub(crate) callbacks: Rules,
    pub(crate) observers: Vec<Observer>,
}
