//! The handle on a running sandbox.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::builder::{Builder, Settings, StartError};
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::ledger::{Balance, LedgerEntry};
use crate::operation::Operation;
use crate::server::Server;
use crate::tls;
use crate::token::MoneyLock;

/// A running stand-in gateway. Dropping it ends it at once; [`Sandbox::stop`] ends it gracefully.
///
/// Any number can run in one process; they share nothing.
pub struct Sandbox {
    gateway: Arc<Gateway>,
    server: Arc<Server>,
    base_url: String,
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

    pub(crate) async fn launch(
        settings: Settings,
        address: SocketAddr,
        pems: Option<(String, String)>,
    ) -> Result<Self, StartError> {
        let tls = pems.map(|(certificate, key)| tls::acceptor(&certificate, &key)).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let cannot_listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let gateway = Arc::new(Gateway::new(settings));
        let server = Server::start(&gateway, listener, tls).map_err(cannot_listen)?;
        let base_url = format!("{scheme}://{}", reachable(server.address()));
        Ok(Self { gateway, server, base_url })
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

    /// Breaks nothing any more. What already happened stays, a read lag or a used-up id too.
    pub fn clear_faults(&self) {
        self.gateway.lock().faults.clear();
    }

    /// Switches the merchant on or off.
    pub fn set_merchant_active(&self, active: bool) {
        self.gateway.lock().merchant_active = active;
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

    /// Resolves when nothing is pending: no call, no processing, no late execution, no bytes that nobody has read yet.
    ///
    /// What a client sent before it left counts, even if it left without waiting. Payouts that stay `PROCESSING` for ever
    /// do not.
    pub async fn idle(&self) {
        self.server.idle().await;
    }

    /// Stops: accepts nothing more, answers the calls in progress (for at most 5 seconds), and drops late executions and
    /// processing that would still have come. Ledger and balances can be read afterwards.
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
