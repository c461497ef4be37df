//! One callback on the wire: where it may go, and what came back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;
use url::{Host, Url};

use crate::callbacks::delivery::DeliveryOutcome;
use crate::callbacks::rules::Rules;

/// How much of an answer's body is read, so that an ordinary receiver is not cut off in the middle of it.
const BODY_LIMIT: usize = 64 * 1024;

/// What the system resolves may be anything; this name is this machine and nothing else.
const LOCALHOST: &str = "localhost";

/// Whether a URL leads to this machine and nowhere else.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == LOCALHOST,
        None => false,
    }
}

/// Sends callbacks.
pub(crate) struct Post {
    rules: Rules,
    /// Made for the first callback: most sandboxes never send one.
    http: OnceLock<Result<reqwest::Client, String>>,
}

impl Post {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, http: OnceLock::new() }
    }

    /// Where a callback URL leads, or why nothing is sent there.
    pub(crate) fn target(&self, url: &str) -> Result<Url, DeliveryOutcome> {
        let withheld = |reason: String| Err(DeliveryOutcome::Withheld { reason });
        let url = match Url::parse(url) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) => url,
            Ok(url) => return withheld(format!("a callback goes over http or https, not over {}", url.scheme())),
            Err(error) => return withheld(format!("not a usable URL: {error}")),
        };
        if !is_loopback(&url) && !self.rules.to_any_host {
            let host = url.host_str().unwrap_or_default();
            return withheld(format!("{host} is not this machine; deliver_to_any_host sends there, too"));
        }
        Ok(url)
    }

    /// Sends a callback about this payout. The time it takes is bounded.
    pub(crate) async fn send(&self, url: Url, payout_id: &str) -> DeliveryOutcome {
        let failed = |reason: String| DeliveryOutcome::Failed { reason };
        let http = match self.http.get_or_init(|| client(&self.rules)) {
            Ok(http) => http,
            Err(reason) => return failed(reason.clone()),
        };
        let body = Bytes::from(serde_json::json!({"idEntity": payout_id}).to_string());
        let request = http.post(url).header(CONTENT_TYPE, "application/json").body(body);
        match request.send().await {
            Ok(mut answer) => {
                let mut read = 0;
                // The status is known: what becomes of the rest does not matter.
                while let Ok(Some(piece)) = answer.chunk().await {
                    read += piece.len();
                    if read > BODY_LIMIT {
                        break;
                    }
                }
                DeliveryOutcome::Answered { status: answer.status().as_u16() }
            }
            Err(error) if error.is_timeout() => failed(format!("no answer within {:?}", self.rules.timeout)),
            Err(error) => failed(chain(&error.without_url())),
        }
    }
}

fn client(rules: &Rules) -> Result<reqwest::Client, String> {
    let anywhere = |ip: IpAddr| SocketAddr::new(ip, 0);
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(rules).map_err(|error| format!("cannot prepare https: {error}"))?)
        .user_agent(concat!("komopay-sandbox/", env!("CARGO_PKG_VERSION")))
        .resolve_to_addrs(LOCALHOST, &[anywhere(Ipv4Addr::LOCALHOST.into()), anywhere(Ipv6Addr::LOCALHOST.into())])
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        // Each attempt is seen to connect: a receiver that was started anew is not missed over an old connection.
        .pool_max_idle_per_host(0)
        .timeout(rules.timeout)
        .build()
        .map_err(|error| format!("cannot prepare callbacks: {}", chain(&error)))
}

/// The certificates that this machine trusts, and those of the settings.
fn tls(rules: &Rules) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra: Vec<CertificateDer<'static>> = rules.ca.clone();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// An error with its causes. Neither names the URL.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
