//! Where a request comes from. Behind a proxy that the operator trusts that is what the proxy says; what anybody else
//! says of himself counts for nothing.

use std::net::{IpAddr, SocketAddr};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::ServiceRequest,
    http::header::{self, HeaderMap, HeaderName},
};
use ipnet::IpNet;

use crate::{domain::user::Caller, limits::connections::is_proxy};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether the application is served by TLS.
#[derive(Clone, Copy, Debug)]
pub struct Secured(pub bool);

/// A request's client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: Option<IpAddr>,
    /// Whether it reached us, or the proxy, by TLS.
    pub secure: bool,
}

impl Client {
    /// Finds out, and keeps it with the request.
    pub(super) fn attach(request: &ServiceRequest, proxies: &[IpNet]) -> Self {
        let tls = request.app_data::<Secured>().is_some_and(|secured| secured.0);
        let client = Self::behind(request.peer_addr().map(|peer| peer.ip()), tls, request.headers(), proxies);
        request.extensions_mut().insert(client);
        client
    }

    /// The client of a request.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().copied().unwrap_or_default()
    }

    fn behind(peer: Option<IpAddr>, tls: bool, headers: &HeaderMap, proxies: &[IpNet]) -> Self {
        let Some(peer) = peer.map(|peer| peer.to_canonical()) else { return Self { address: None, secure: tls } };
        if !is_proxy(proxies, peer) {
            return Self { address: Some(peer), secure: tls };
        }
        let by_list = all(headers, &FORWARDED_FOR).map(|list| nearest(list.into_iter().map(address), proxies));
        let by_element = all(headers, &header::FORWARDED).map(|list| nearest(list.into_iter().map(forwarded_for), proxies));
        // A proxy that writes the first, as nearly all do, may pass on the second as the client wrote it.
        let told = by_list.or(by_element).flatten();
        let proto = headers.get(FORWARDED_PROTO).and_then(|proto| proto.to_str().ok());
        let secure = tls || proto.is_some_and(|proto| proto.rsplit(',').next().unwrap_or_default().trim() == "https");
        Self { address: Some(told.unwrap_or(peer)), secure }
    }
}

/// The device that calls, for its owner to recognise it.
pub fn caller(request: &HttpRequest) -> Caller {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Caller { user_agent: agent.map(|agent| agent.chars().take(255).collect()), address: Client::of(request).address }
}

/// The elements of a list that may stand in several lines (RFC 9110, section 5.3); none when it isn't there.
fn all<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("?")).collect();
    (!lines.is_empty()).then(|| lines.into_iter().flat_map(|line| line.split(',')).map(str::trim).collect())
}

/// The last address that isn't a proxy's: each proxy adds the one that called it at the end. None when what stands
/// there can't be read.
fn nearest(addresses: impl DoubleEndedIterator<Item = Option<IpAddr>>, proxies: &[IpNet]) -> Option<IpAddr> {
    let mut last = None;
    for address in addresses.rev() {
        let address = address?.to_canonical();
        last = Some(address);
        if !is_proxy(proxies, address) {
            break;
        }
    }
    last
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The `for` of one element (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn told(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Client::behind(Some(peer.parse().unwrap()), false, &map, &proxies).address.unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let spoofed = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(told("192.0.2.1", &spoofed), "192.0.2.1");
        assert_eq!(told("10.0.0.1", &spoofed[..1]), "203.0.113.9");
        assert_eq!(told("::ffff:10.0.0.1", &spoofed[..1]), "203.0.113.9", "IPv4 over an IPv6 socket");
        assert_eq!(told("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_last_stranger_counts() {
        let list = |value| told("10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(list("1.1.1.1, 203.0.113.9"), "203.0.113.9", "what the client wrote stands before it");
        assert_eq!(list("1.1.1.1, 203.0.113.9, 10.9.9.9"), "203.0.113.9");
        assert_eq!(list("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(list("[2001:db8::1]:80"), "2001:db8::1");
        assert_eq!(list("203.0.113.9, unknown"), "10.0.0.1", "what can't be read hides what stands before it");
        assert_eq!(told("10.0.0.1", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn forwarded_is_read_too() {
        let header = |value| told("10.0.0.1", &[("forwarded", value)]);
        assert_eq!(header("for=203.0.113.9;proto=https;by=10.0.0.2"), "203.0.113.9");
        assert_eq!(header("For=\"[2001:db8::1]:80\", for=10.0.0.7"), "2001:db8::1");
        assert_eq!(header("proto=https"), "10.0.0.1");
        let both = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(told("10.0.0.1", &both), "203.0.113.9", "the other one was written by the client");
    }
}
