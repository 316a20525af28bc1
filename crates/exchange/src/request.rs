//! A request, rendered once and sent many times.

mod framing;

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, Method, Version};
use http_body_util::Full;

use crate::url::Url;
pub use framing::{BadHeader, check_headers};

/// The type of a body that no other is given for. Frameworks take a body without a type for a form
/// and refuse one that is none.
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// What is to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Headers, in their order; they replace those that are sent by default. Those that frame the
    /// body, and others that would change what is spoken, are what [`check_headers`] lets pass.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// Whether `Host` is left out.
    pub hostless: bool,
    /// Whether HTTP/1.0 is spoken.
    pub old: bool,
}

/// How the request line names what is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// By path, as servers want it.
    #[default]
    Origin,
    /// By the whole URL, as proxies want it.
    Absolute,
}

/// A request ready to be sent, in HTTP/1 as bytes, for hyper in parts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) bytes: Bytes,
    pub(crate) head_only: bool,
    /// Whether it asks that the connection be closed behind it.
    pub(crate) closes: bool,
    pub(crate) parts: Arc<Parts>,
}

/// The same request for hyper.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) http1: http::Request<Full<Bytes>>,
    pub(crate) http2: http::Request<Full<Bytes>>,
}

impl Prepared {
    /// Renders `request` for `url`.
    #[must_use]
    pub fn new(request: &Request, url: &Url, form: Form) -> Self {
        let headers = headers(request, url);
        let target = match form {
            Form::Origin => url.path.clone(),
            Form::Absolute => url.for_proxy(),
        };
        let version = if request.old { "1.0" } else { "1.1" };
        let mut bytes = BytesMut::with_capacity(256 + request.body.len());
        bytes.put_slice(format!("{} {target} HTTP/{version}\r\n", request.method).as_bytes());
        for (name, value) in &headers {
            bytes.put_slice(name.as_str().as_bytes());
            bytes.put_slice(b": ");
            bytes.put_slice(value.as_bytes());
            bytes.put_slice(b"\r\n");
        }
        bytes.put_slice(b"\r\n");
        match headers.contains_key(TRANSFER_ENCODING) {
            true => framing::put_chunk(&mut bytes, &request.body),
            false => bytes.put_slice(&request.body),
        }
        Self {
            bytes: bytes.freeze(),
            head_only: request.method == Method::HEAD,
            closes: framing::lists(headers.get_all(CONNECTION), "close"),
            parts: Arc::new(parts(request, url, &target, headers)),
        }
    }

    /// The request as HTTP/1 sends it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// `Host` first, as servers expect it, then what was given, then what the URL says of the user, and
/// type and length of the body.
fn headers(request: &Request, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !request.hostless
        && let Ok(host) = HeaderValue::from_str(&url.host_header())
    {
        headers.insert(HOST, host);
    }
    for (name, value) in &request.headers {
        // The first of a name replaces the default, further ones are added.
        match *name == HOST {
            true => drop(headers.insert(name, value.clone())),
            false => drop(headers.append(name, value.clone())),
        }
    }
    if let Some(login) = &url.login
        && !headers.contains_key(AUTHORIZATION)
        && let Some(authorization) = login.authorization()
    {
        headers.insert(AUTHORIZATION, authorization);
    }
    if !request.body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, BYTES);
    }
    let has_length =
        headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let wants_length = [Method::POST, Method::PUT, Method::PATCH].contains(&request.method);
    if !has_length && (wants_length || !request.body.is_empty()) {
        headers.insert(CONTENT_LENGTH, request.body.len().into());
    }
    headers
}

/// The same for hyper. HTTP/2 has no `Host`, its place is in the URI.
fn parts(request: &Request, url: &Url, target: &str, headers: HeaderMap) -> Parts {
    let mut http1 = http::Request::new(Full::new(request.body.clone()));
    http1.method_mut().clone_from(&request.method);
    if request.old {
        *http1.version_mut() = Version::HTTP_10;
    }
    let mut http2 = http1.clone();
    *http2.version_mut() = Version::HTTP_2;
    *http2.headers_mut() = headers.clone();
    let named = http2.headers_mut().remove(HOST);
    let host = named.and_then(|host| host.to_str().ok().map(str::to_owned));
    let host = host.unwrap_or_else(|| url.host_header());
    let uri = format!("{}://{host}{}", url.scheme.name(), url.path).parse();
    *http2.uri_mut() = uri.or_else(|_| url.for_proxy().parse()).unwrap_or_default();
    *http1.uri_mut() = target.parse().unwrap_or_default();
    *http1.headers_mut() = headers;
    Parts { http1, http2 }
}

#[cfg(test)]
mod tests;
