//! URLs as people write them, and which of them are this machine.

use std::net::IpAddr;

use url::{Host, Url};

/// Reads a URL that says where it leads. The parser mends what is none: it drops tabs and line ends, turns backslashes
/// over, and makes a host of what follows too few slashes or too many; then the bytes go where the text does not say.
pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("has a blank, a control character or a backslash, which no URL has");
    }
    let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    match Url::parse(text) {
        Ok(url) if has_host && url.has_host() => Ok(url),
        _ => Err("is not an absolute URL with a host"),
    }
}

/// How the parser writes this URL, if the text is another way to write it: with digits of an address left out, a `..`
/// in its path, or letters that are not ASCII. Letter case, the port of the scheme and slashes at the end are no
/// difference.
pub(crate) fn mended(text: &str, url: &Url) -> Option<String> {
    let bare = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, host, port) = (url.scheme(), url.host_str()?, url.port_or_known_default()?);
    let with_port = format!("{scheme}://{host}:{port}{}", url.path());
    let as_used = bare(text) == bare(url.as_str()) || bare(text) == bare(&with_port);
    (!as_used).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// Whether the URL's host is named as this machine. Where a name leads is looked at when it is connected to.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            // A dot at the end makes a name absolute, and no other one of it.
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => is_loopback_address(ip.into()),
        Some(Host::Ipv6(ip)) => is_loopback_address(ip.into()),
        None => false,
    }
}

/// Whether what is sent to this address stays on this machine.
pub(crate) fn is_loopback_address(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parser_would_mend_is_refused() {
        for text in [
            "",
            "api.komopay.id",
            "/hook",
            "https:",
            "https://",
            "https:api.komopay.id",
            "https:/api.komopay.id",
            "https:///api.komopay.id",
            "https:\\\\api.komopay.id",
            "https://api.komopay.id\\@evil.example",
            " https://api.komopay.id",
            "https://api.komopay.id ",
            "https://api.komopay.id\n",
            "https://api.kom\topay.id",
            "https://api.komopay.id/\u{a0}",
            "mailto:a@b.example",
            "file:///etc/hosts",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse("https://api.komopay.id/pay").is_ok());
    }

    #[test]
    fn another_way_to_write_a_url_is_told_from_the_way_it_is_used() {
        let mended = |text| mended(text, &Url::parse(text).unwrap());
        for text in [
            "https://api.komopay.id",
            "https://API.KomoPay.id/",
            "https://api.komopay.id:443/pay//",
            "https://api.komopay.id:8443",
            "http://[::1]:8080",
            "http://127.0.0.1:80",
            "https://gateway.example/pay%20v2/",
        ] {
            assert_eq!(mended(text), None, "{text}");
        }
        for (text, as_used) in [
            ("http://127.1:8080", "http://127.0.0.1:8080"),
            ("http://2130706433", "http://127.0.0.1"),
            ("http://0x7f.1", "http://127.0.0.1"),
            ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
            ("https://%61pi.komopay.id", "https://api.komopay.id"),
            ("https://api.komopay。id", "https://api.komopay.id"),
            ("https://gateway.example/pay/../v2", "https://gateway.example/v2"),
        ] {
            assert_eq!(mended(text).as_deref(), Some(as_used), "{text}");
        }
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (url, loopback) in [
            ("http://127.0.0.1", true),
            ("http://127.255.0.9", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://LOCALHOST", true),
            ("http://a.localhost", true),
            ("http://localhost.evil.example", false),
            ("http://notlocalhost", false),
            ("http://0.0.0.0", false),
            ("http://[::]", false),
            ("http://[::ffff:192.0.2.1]", false),
            ("http://128.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
