//! What is asked for, where it is, and the way there.

use bytes::Bytes;
use exchange::{Family, Protocol, Proxy, Request, Route, Trust, Url, check_headers};
use http::Method;
use http::header::{CONNECTION, HeaderValue};

use super::{Refusal, Target, bodies};
use crate::credentials::{PASSWORD, PROXY_PASSWORD, Typed};
use crate::settings::{Client, ConnectionArgs, RequestArgs, Settings, TargetText};

/// The ways to all servers, and what is asked of each.
pub(super) fn targets(settings: &Settings) -> Result<(Vec<Route>, Vec<Target>), Refusal> {
    let mut typed = Vec::new();
    for url in &settings.urls {
        typed.push(TargetText { weight: 1, method: None, url: url.parse()? });
    }
    typed.extend(settings.targets.iter().cloned());
    if typed.is_empty() {
        return Err(Refusal::NoTarget);
    }
    let bodies = bodies::bodies(&settings.request, settings.arrival.seed)?;
    let mut origins: Vec<Route> = Vec::new();
    let mut targets = Vec::new();
    for TargetText { weight, method, url } in typed {
        let url = Url { login: of_server(&settings.request).login(url.login.as_ref())?, ..url };
        let route = route(&url, &settings.connection)?;
        let known = origins.iter().position(|origin| same_server(origin, &route));
        let origin = known.unwrap_or_else(|| {
            origins.push(route);
            origins.len() - 1
        });
        let variants = variants(settings, method.as_ref(), &bodies)?;
        targets.push(Target { origin, url, weight, variants });
    }
    Ok((origins, targets))
}

/// Whether connections to the one serve requests for the other.
fn same_server(one: &Route, other: &Route) -> bool {
    let server = |route: &Route| (route.url.scheme, route.url.host.clone(), route.url.port);
    server(one) == server(other)
}

/// Who asks the servers.
fn of_server(request: &RequestArgs) -> Typed<'_> {
    Typed {
        user: request.username.as_deref(),
        password: request.password.as_deref(),
        file: request.password_file.as_deref(),
        flags: ["-U", "-P", "--password-file"],
        variable: PASSWORD,
    }
}

/// The proxy, with who asks it.
fn proxy(settings: &ConnectionArgs) -> Result<Option<Proxy>, Refusal> {
    let Some(proxy) = &settings.proxy else { return Ok(None) };
    let typed = Typed {
        user: settings.proxy_user.as_deref(),
        password: settings.proxy_password.as_deref(),
        file: settings.proxy_password_file.as_deref(),
        flags: ["--proxy-user", "--proxy-password", "--proxy-password-file"],
        variable: PROXY_PASSWORD,
    };
    Ok(Some(Proxy { login: typed.login(proxy.login.as_ref())?, ..proxy.clone() }))
}

fn route(url: &Url, settings: &ConnectionArgs) -> Result<Route, Refusal> {
    let protocol = protocol(settings);
    let family = match (settings.ipv4, settings.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        _ => None,
    };
    let trust = match (settings.insecure, &settings.ca) {
        (true, _) => Trust::Anyone,
        (_, Some(file)) => Trust::File(file.clone()),
        _ => Trust::System,
    };
    Ok(Route {
        protocol,
        unix: settings.unix.clone(),
        proxy: proxy(settings)?,
        family,
        bind: settings.bind,
        trust,
        ..Route::to(url.clone())
    })
}

fn protocol(settings: &ConnectionArgs) -> Protocol {
    match (settings.http2, settings.client) {
        (true, _) => Protocol::Http2,
        (false, Client::Raw) => Protocol::Http1,
        (false, Client::Hyper) => Protocol::Hyper1,
    }
}

/// A request for each body.
fn variants(
    settings: &Settings,
    method: Option<&Method>,
    bodies: &[Bytes],
) -> Result<Vec<Request>, Refusal> {
    // A method of a target is its own; one that is given once for all may have any body.
    let bodiless = method.is_some_and(|method| [Method::GET, Method::HEAD].contains(method));
    let default = if bodies.is_empty() { Method::GET } else { Method::POST };
    let method = method.or(settings.request.method.as_ref()).cloned().unwrap_or(default);
    let bodies = if bodiless { &[] } else { bodies };
    let mut headers = settings.request.headers.clone();
    let protocol = protocol(&settings.connection);
    check_headers(&headers, bodies.first().map_or(0, Bytes::len), protocol)?;
    // HTTP/2 knows no such header.
    if settings.connection.no_keep_alive && !settings.connection.http2 {
        headers.push((CONNECTION, HeaderValue::from_static("close")));
    }
    let plain = Request { method, headers, ..Request::default() };
    if bodies.is_empty() {
        return Ok(vec![plain]);
    }
    Ok(bodies.iter().map(|body| Request { body: body.clone(), ..plain.clone() }).collect())
}

/// Targets in the order in which they are asked: each as often as its weight says, and as evenly
/// as can be.
pub(crate) fn order(weights: &[u32]) -> Vec<usize> {
    let total: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
    let mut credits = vec![0_i64; weights.len()];
    let mut order = Vec::new();
    for _ in 0..total {
        for (credit, weight) in credits.iter_mut().zip(weights) {
            *credit += i64::from(*weight);
        }
        // The first of those with the most.
        let richest = (0..credits.len()).rev().max_by_key(|at| credits[*at]).unwrap_or(0);
        credits[richest] -= total;
        order.push(richest);
    }
    order
}
