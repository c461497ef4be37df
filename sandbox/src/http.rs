//! HTTP as it is on the wire: answers, connections that can be cut, who sees an exchange, and TLS.

pub(crate) mod activity;
pub(crate) mod answer;
pub(crate) mod connection;
pub(crate) mod exchange;
pub(crate) mod record;
pub(crate) mod tls;
