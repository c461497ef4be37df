//! Which proxy the requests of a client go through: that of its settings, that of the environment, or none.
//!
//! The HTTP library leaves out a proxy of the environment that it cannot read, or whose scheme it was not built with,
//! and goes direct or never arrives. So what the environment says is read here first, by the library's own rules, and
//! refused where it could not be used.

use std::error::Error as StdError;
use std::ffi::OsString;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
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

impl Route {
    /// The proxy that requests to this host go through, if they go through one.
    pub fn proxy(&self, to: &Uri) -> Option<Intercept> {
        match self {
            Self::Direct => None,
            Self::Through(proxy) => Matcher::builder().all(proxy.as_str()).build().intercept(to),
            Self::System => Matcher::from_system().intercept(to),
        }
    }
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
    read(&proxy, base_url)
        .map(Route::Through)
        .map_err(|problem| Error::setting(variable, format_args!("this environment variable {problem}, or unset it")))
}

/// The first of these variables that says something.
fn first(
    names: &[&'static str],
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>> {
    for name in names {
        let Some(value) = environment(name) else { continue };
        let value = value.into_string().map_err(|_| {
            Error::setting(name, "this environment variable is not Unicode text; write it anew, or unset it")
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
        return Err(format!(
            "has more than a host and a port (a password is written with %23 for #, and so on); {WANTED}"
        ));
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
        "proxy: it does not take the user name and password, or has none (HTTP 407); nothing was sent. Set those that \
         it takes, as in http://user:password@proxy:3128, in proxy or in the environment variable"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: &str = "https://api.komopay.id";

    fn way(setting: Option<&str>, base_url: &str, environment: &[(&str, &str)]) -> Result<Route, String> {
        let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        route(setting, &Url::parse(base_url).unwrap(), lookup).map_err(|error| {
            assert_eq!(error.kind(), crate::ErrorKind::Configuration);
            assert!(!error.message().contains("canary"), "{error}");
            error.field().unwrap_or_default().to_owned()
        })
    }

    fn through(url: &str) -> Route {
        Route::Through(Url::parse(url).unwrap())
    }

    #[test]
    fn a_proxy_is_a_host_and_a_port_of_http_or_https_with_a_password_or_without() {
        for (given, used) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("https://proxy", "https://proxy"),
            ("proxy:3128", "http://proxy:3128"),
            ("192.0.2.1:3128", "http://192.0.2.1:3128"),
            ("http://[2001:db8::1]:3128/", "http://[2001:db8::1]:3128"),
            ("user:p%40ss@proxy:3128", "http://user:p%40ss@proxy:3128"),
            ("HTTP://user:pw@proxy", "http://user:pw@proxy"),
        ] {
            assert_eq!(way(Some(given), FAR, &[]), Ok(through(used)), "{given}");
            assert_eq!(way(None, FAR, &[("HTTPS_PROXY", given)]), Ok(through(used)), "{given}");
        }
    }

    #[test]
    fn a_proxy_that_could_never_be_used_is_refused_by_the_name_of_who_set_it() {
        for given in [
            "socks5://127.0.0.1:1080",
            "SOCKS5h://canary:canary@127.0.0.1:1080",
            "socks4://proxy",
            "ftp://proxy",
            "http://",
            "http:proxy:3128",
            "::",
            "http://canary:canary@bad host:1",
            "http://canary:canary@proxy:99999",
            "http://proxy:0",
            "http://proxy:3128/canary",
            "http://proxy:3128?canary",
            "http://canary:ca#nary@proxy:3128",
            "http://canary:12/canary@proxy:3128",
            "http://canary:canary@proxy:3128\n",
            "http:\\\\proxy",
        ] {
            assert_eq!(way(Some(given), FAR, &[]), Err("proxy".to_owned()), "{given}");
            for variable in PROXIES {
                assert_eq!(way(None, FAR, &[(variable, given)]), Err(variable.to_owned()), "{given}");
            }
        }
        assert_eq!(way(Some(""), FAR, &[]), Err("proxy".to_owned()));
    }

    #[test]
    fn the_environment_counts_where_no_proxy_is_set_and_its_first_variable_wins() {
        let both = [("HTTPS_PROXY", "one:1"), ("https_proxy", "two:2"), ("ALL_PROXY", "three:3")];
        assert_eq!(way(Some("zero:1"), FAR, &both), Ok(through("http://zero:1")));
        assert_eq!(way(None, FAR, &both), Ok(through("http://one:1")));
        assert_eq!(way(None, FAR, &both[1..]), Ok(through("http://two:2")));
        assert_eq!(way(None, FAR, &both[2..]), Ok(through("http://three:3")));
        assert_eq!(way(None, FAR, &[("all_proxy", "four:4")]), Ok(through("http://four:4")));
        // One that is empty says nothing, nor does one for plain http.
        assert_eq!(way(None, FAR, &[("HTTPS_PROXY", ""), ("https_proxy", "two:2")]), Ok(through("http://two:2")));
        assert_eq!(way(None, FAR, &[("HTTPS_PROXY", " "), ("HTTP_PROXY", "socks5://one")]), Ok(Route::System));
        assert_eq!(way(None, FAR, &[]), Ok(Route::System));
    }

    #[test]
    fn a_host_that_the_environment_takes_out_is_reached_directly_even_beside_a_bad_proxy() {
        for exception in ["*", "komopay.id", ".komopay.id", "api.komopay.id", "other.example, api.komopay.id"] {
            for proxy in ["one:1", "socks5://one"] {
                let environment = [("HTTPS_PROXY", proxy), ("NO_PROXY", exception)];
                assert_eq!(way(None, FAR, &environment), Ok(Route::Direct), "{exception}");
            }
        }
        for exception in ["", "payments.id", "pi.komopay.id"] {
            let environment = [("HTTPS_PROXY", "one:1"), ("NO_PROXY", exception)];
            assert_eq!(way(None, FAR, &environment), Ok(through("http://one:1")), "{exception}");
        }
        let network = [("HTTPS_PROXY", "one:1"), ("no_proxy", "192.0.2.0/24")];
        assert_eq!(way(None, "https://192.0.2.7", &network), Ok(Route::Direct));
        // The exceptions are the environment's, not those of a proxy that was set.
        assert_eq!(way(Some("one:1"), FAR, &[("NO_PROXY", "*")]), Ok(through("http://one:1")));
    }

    #[test]
    fn what_is_for_this_machine_goes_through_no_proxy() {
        let environment = PROXIES.map(|variable| (variable, "one:1"));
        for base_url in ["http://127.0.0.1:8080", "http://localhost", "https://localhost", "https://[::1]:8443"] {
            assert_eq!(way(None, base_url, &environment), Ok(Route::Direct), "{base_url}");
        }
        assert_eq!(way(Some("http://127.0.0.1:3128"), "http://localhost", &[]), Err("proxy".to_owned()));
        assert_eq!(way(Some("one:1"), "https://localhost", &[]), Ok(through("http://one:1")));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        for bad in ["HTTPS_PROXY", "NO_PROXY"] {
            let lookup = |name: &str| match name {
                name if name == bad => Some(OsString::from_vec(vec![b'h', 0xff])),
                "HTTPS_PROXY" => Some("one:1".into()),
                _ => None,
            };
            let error = route(None, &Url::parse(FAR).unwrap(), lookup).unwrap_err();
            assert_eq!(error.field(), Some(bad));
        }
    }
}
