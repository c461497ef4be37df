//! The handle on a running sandbox.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::builder::{Builder, Checked};
use crate::callbacks::{CallbackFault, Delivery};
use crate::control;
use crate::error::StartError;
use crate::faults::Fault;
use crate::http::tls;
use crate::operation::Operation;
use crate::platform::gateway::Gateway;
use crate::platform::ledger::{Balance, LedgerEntry};
use crate::platform::magic::Outcome;
use crate::platform::payout::ChangeError;
use crate::platform::token::MoneyLock;
use crate::server::{CONTROL, Server};

/// A running stand-in gateway. Dropping it ends it at once; [`Sandbox::stop`] ends it gracefully.
///
/// Any number can run in one process; they share nothing.
pub struct Sandbox {
    gateway: Arc<Gateway>,
    server: Arc<Server>,
    base_url: String,
}

impl Builder {
    /// Starts the sandbox on the runtime this is called on.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the address cannot be listened on, or a balance, a limit, a time, a certificate or the file
    /// for calls cannot be used.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let Checked { settings, address, tls } = self.checked()?;
        let tls = tls.map(|(certificate, key)| tls::acceptor(&certificate, &key)).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let cannot_listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let gateway = Arc::new(Gateway::new(settings));
        let server = Server::start(&gateway, listener, tls, control::router).map_err(cannot_listen)?;
        let base_url = format!("{scheme}://{}", reachable(server.address()));
        Ok(Sandbox { gateway, server, base_url })
    }
}

impl Sandbox {
    /// Starts a sandbox with the defaults of [`Builder`]: a free port of 127.0.0.1, payouts that end at once.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] if no port can be listened on.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings for a sandbox.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Where it listens, for example `http://127.0.0.1:38211`; no slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The merchant's code.
    #[must_use]
    pub fn merchant_code(&self) -> &str {
        &self.gateway.settings.merchant_code
    }

    /// The merchant's secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.gateway.settings.secret
    }

    /// What calls of the control API must bring along, as `Authorization: Bearer <token>`; `None` where it is off.
    #[must_use]
    pub fn control_token(&self) -> Option<&str> {
        let settings = &self.gateway.settings;
        settings.control.then_some(settings.control_token.as_str())
    }

    /// The page for a browser, with the control token behind `#`, where no server sees it; `None` where the control API
    /// is off.
    #[must_use]
    pub fn page_url(&self) -> Option<String> {
        self.control_token().map(|token| format!("{}{CONTROL}/#token={token}", self.base_url))
    }

    /// Everything that happened to money so far. Call [`Sandbox::idle`] first, unless you mean a moment in between.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.gateway.lock().ledger.clone()
    }

    /// How many calls of this operation have arrived, whatever became of them.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.gateway.lock().calls.get(&operation).copied().unwrap_or_default()
    }

    /// The balance in a currency; `None` if there is no account in it.
    #[must_use]
    pub fn balance(&self, currency: &str) -> Option<Balance> {
        self.gateway.lock().balance(currency)
    }

    /// Breaks something from now on. A status that an answer cannot have (below 200, above 999) is sent as 500.
    pub fn inject(&self, fault: Fault) {
        self.gateway.inject(fault);
    }

    /// Breaks nothing any more, callbacks included. What already happened stays: a read lag, a used-up id, a delay that
    /// has begun.
    pub fn clear_faults(&self) {
        self.gateway.clear_faults();
    }

    /// Switches the merchant on or off.
    pub fn set_merchant_active(&self, active: bool) {
        self.gateway.switch_merchant(active);
    }

    /// Issues a token directly. No operations: everything is allowed. A validity of 0 gives a token that has expired.
    ///
    /// `money` is amount and currency; an amount that is no decimal number locks the token to 0, which no payout has.
    #[must_use]
    pub fn issue_token(&self, operations: &[&str], money: Option<(&str, &str)>, validity_secs: u64) -> String {
        let operations = operations.iter().map(|operation| (*operation).to_owned()).collect();
        let money = money.map(|(amount, currency)| MoneyLock::new(amount, currency));
        self.gateway.sign_token(
            Some(operations).filter(|operations: &Vec<_>| !operations.is_empty()),
            money,
            validity_secs,
        )
    }

    /// The delivery log: every attempt to deliver a callback, in the order in which they ended. It keeps the last
    /// 10,000.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.gateway.courier().deliveries()
    }

    /// Resolves when every callback is delivered or given up, repeats and delays included, and nothing else is pending
    /// either: `true`. `false` if that has not come within `limit`.
    pub async fn wait_for_deliveries(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.server.callbacks_done()).await.is_ok()
    }

    /// Lets something go wrong with callbacks from now on.
    pub fn inject_into_callbacks(&self, fault: CallbackFault) {
        self.gateway.inject_into_callbacks(fault);
    }

    /// Gives a payout a final status now, its first or a corrected one, and sends the callback of that. `processedAt`
    /// and `failedAt` are later than before.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if there is no such payout, it has this status already, or its money is not available any more.
    pub fn change_status(&self, payout_id: &str, outcome: Outcome) -> Result<(), ChangeError> {
        self.gateway.change_status(payout_id, outcome)
    }

    /// Sends a callback about a payout now, with its repeats, though nothing has changed.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if there is no such payout, or it has no `callbackUrl`.
    pub fn send_callback(&self, payout_id: &str) -> Result<(), ChangeError> {
        self.gateway.send_callback(payout_id)
    }

    /// Sends a callback that no payout asked for, once, and returns its line of the delivery log. Neither does there
    /// have to be such a payout, nor is the URL its own. `None` if the sandbox is stopped.
    pub async fn forge_callback(&self, payout_id: &str, url: &str) -> Option<Delivery> {
        self.gateway.courier().forge(payout_id, url).await
    }

    /// Puts the sandbox's clock forward: processing, delays and repeats of callbacks that would end in this time end
    /// now, and so do tokens. The `Date` of answers shows it. Daily limits and faults of calls know nothing of it.
    pub fn advance(&self, time: Duration) {
        self.gateway.advance(time);
    }

    /// Resolves when nothing is pending: no call, no processing, no late execution, no callback that is on its way or
    /// due, no bytes that nobody has read yet.
    ///
    /// What a client sent before it left counts, even if it left without waiting. Payouts that stay `PROCESSING` for
    /// ever do not, nor do repeats and delays of callbacks whose time has not come.
    pub async fn idle(&self) {
        self.server.idle().await;
    }

    /// Stops: accepts nothing more, answers the calls in progress (for at most 5 seconds), and drops late executions,
    /// processing and callbacks that would still have come. Ledger, balances and delivery log can be read afterwards.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

/// An address that a client on this machine can connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
