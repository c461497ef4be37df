//! Which proxy the requests of a client go through: that of its settings, that of the environment, or none.
//!
//! The HTTP library leaves out a proxy of the environment that it cannot read, or whose scheme it was not built with, and
//! goes direct or never arrives. So what the environment says is read here first, by the library's own rules, and refused
//! where it could not be used.

use std::error::Error as StdError;
use std::ffi::OsString;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tower_service::Service;
use url::Url;

use crate::address;
use crate::error::{Error, Result};

/// Where requests go.
#[derive(Debug, PartialEq)]
pub(super) enum Route {
    /// To the platform.
    Direct,
    /// Through this proxy.
    Through(Url),
    /// As the operating system is set, where it has such a setting; the environment says nothing.
    System,
}

/// The variables that the library looks at for an https URL, the first one first.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that name hosts which no proxy is for.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The way to `base_url` by the setting `proxy` and these variables of the environment.
pub(super) fn route(
    setting: Option<&str>,
    base_url: &Url,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Route> {
    let is_plain = base_url.scheme() == "http";
    if let Some(proxy) = setting {
        if is_plain {
            let problem = "is set, and base_url is plain http to this machine, which goes through no proxy: \
                           leave proxy out, or give an https URL";
            return Err(Error::setting("proxy", problem));
        }
        return read(proxy, base_url).map(Route::Through).map_err(|problem| Error::setting("proxy", problem));
    }
    if is_plain || address::is_loopback(base_url) {
        return Ok(Route::Direct);
    }
    let Some((variable, proxy)) = first(&PROXIES, &environment)? else { return Ok(Route::System) };
    if let Some((_, exceptions)) = first(&EXCEPTIONS, &environment)?
        && !is_used("http://proxy.invalid", &exceptions, base_url)
    {
        return Ok(Route::Direct);
    }
    read(&proxy, base_url).map(Route::Through).map_err(|problem| {
        Error::setting(variable, format_args!("this variable of the environment {problem}, or unset it"))
    })
}

/// The first of these variables that says something.
fn first(
    names: &[&'static str],
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>> {
    for name in names {
        let Some(value) = environment(name) else { continue };
        let value = value.into_string().map_err(|_| {
            Error::setting(name, "this variable of the environment is no Unicode text; write it anew, or unset it")
        })?;
        if !value.trim().is_empty() {
            return Ok(Some((*name, value)));
        }
    }
    Ok(None)
}

/// A proxy as people write it, with a scheme or without. What is refused is not repeated: it may hold a password.
fn read(text: &str, base_url: &Url) -> Result<Url, String> {
    const WANTED: &str = "give one such as http://user:password@proxy:3128";
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let scheme = with_scheme.split("://").next().unwrap_or_default().to_ascii_lowercase();
    if matches!(scheme.as_str(), "socks4" | "socks4a" | "socks5" | "socks5h" | "socks") {
        return Err(format!("is a {scheme} proxy, and only http and https proxies are supported; {WANTED}"));
    }
    let url = address::parse(&with_scheme).map_err(|problem| format!("{problem}; {WANTED}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has a scheme that is not supported; {WANTED}"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has more than a host and a port (a password is written with %23 for #, and so on); {WANTED}"));
    }
    if url.port() == Some(0) || !is_used(url.as_str(), "", base_url) {
        return Err(format!("cannot be connected to; {WANTED}"));
    }
    Ok(url)
}

/// Whether the library would send requests to `base_url` through this proxy.
fn is_used(proxy: &str, exceptions: &str, base_url: &Url) -> bool {
    let Ok(destination) = base_url.as_str().parse::<Uri>() else { return false };
    Matcher::builder().all(proxy).no(exceptions).build().intercept(&destination).is_some()
}

/// The library's error of a connection through a proxy. Its name is not public, but what bears it is.
type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// What to say if a connection failed because the proxy does not take its user name and password.
pub(super) fn refusal(cause: &(dyn StdError + 'static)) -> Option<String> {
    let refused = matches!(cause.downcast_ref::<TunnelError>()?, TunnelError::ProxyAuthRequired);
    refused.then(|| {
        "proxy: it does not take the user name and password, or has none (HTTP 407); nothing was sent. Set those that it \
         takes, as in http://user:password@proxy:3128, in proxy or in the variable of the environment"
            .to_owned()
    })
}
