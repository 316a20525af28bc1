//! The way to what is probed.

use exchange::{Family, Protocol, Proxy, ProxyKind, Route, Scheme, Trust, Url};
use load::credentials::{PASSWORD, PROXY_PASSWORD, Typed};

use super::Refusal;
use crate::settings::{Proxied, Settled, Way};

/// The way that was typed.
pub(super) fn route(way: Way, settled: &Settled) -> Result<Route, Refusal> {
    let url = url(&way)?;
    let url = Url { login: of_server(settled).login(url.login.as_ref())?, ..url };
    let instead = way.divert_connect.map(|(host, port)| (host, port.unwrap_or(url.port)));
    let trust = match (way.insecure, way.ca) {
        (true, _) => Trust::Anyone,
        (false, Some(file)) => Trust::File(file),
        (false, None) => Trust::System,
    };
    Ok(Route {
        protocol: if way.http2 { Protocol::Http2 } else { Protocol::Http1 },
        unix: way.unix,
        instead,
        proxy: proxy(way.proxied)?,
        family: way.ipv6.then_some(Family::V6),
        bind: way.bind_to,
        trust,
        ..Route::to(url)
    })
}

fn url(way: &Way) -> Result<Url, Refusal> {
    let typed = way.place.as_ref().or(way.url.as_ref());
    let mut url = match (typed, &way.hostname) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => of_host(host, way.port)?,
        // Any host will do, as none is asked.
        (None, None) if way.unix.is_some() => of_host("localhost", None)?,
        (None, None) => return Err(Refusal::NoPlace),
    };
    if way.use_ssl && url.scheme == Scheme::Http {
        if url.port == Scheme::Http.port() && way.port.is_none() {
            url.port = Scheme::Https.port();
        }
        url.scheme = Scheme::Https;
    }
    Ok(url)
}

/// httping's -h takes a name or an address and nothing else.
fn of_host(host: &str, port: Option<u16>) -> Result<Url, Refusal> {
    let wrong = || Refusal::Host(host.to_owned());
    let mut url: Url = host.parse().map_err(|_| wrong())?;
    let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
    if !is_address && host.contains([':', '/', '?']) && !host.starts_with('[') {
        return Err(wrong());
    }
    url.port = port.unwrap_or(url.port);
    Ok(url)
}

fn proxy(proxied: Proxied) -> Result<Option<Proxy>, Refusal> {
    let Some(mut proxy) = proxied.proxy else { return Ok(None) };
    if proxied.socks5 {
        proxy.kind = ProxyKind::Socks5;
    }
    let typed = Typed {
        user: proxied.proxy_user.as_deref(),
        password: proxied.proxy_password.as_deref(),
        file: proxied.proxy_password_file.as_deref(),
        flags: ["--proxy-user", "--proxy-password", "--proxy-password-file"],
        variable: PROXY_PASSWORD,
    };
    proxy.login = typed.login(proxy.login.as_ref())?;
    Ok(Some(proxy))
}

/// Who asks the server.
fn of_server(settled: &Settled) -> Typed<'_> {
    Typed {
        user: settled.username.as_deref(),
        password: settled.password.as_deref(),
        file: settled.password_file.as_deref(),
        flags: ["-U", "-P", "--password-file"],
        variable: PASSWORD,
    }
}
