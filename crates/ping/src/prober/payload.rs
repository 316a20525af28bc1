//! What is asked, rendered once, or anew for each probe where it is to differ.

use exchange::{Dialer, Prepared, Request};
use rand::RngExt as _;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Method, headers, and a body that stays.
    pub request: Request,
    /// The body, where it is another one each time.
    pub body: Body,
    /// A parameter of the query that gets another value each time, so that no cache answers.
    pub buster: Option<String>,
}

/// Which body is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// The request's own.
    #[default]
    Fixed,
    /// So many random bytes, others each time.
    Random(usize),
}

impl Asked {
    /// Bytes of the body.
    #[must_use]
    pub fn body_length(&self) -> usize {
        match self.body {
            Body::Fixed => self.request.body.len(),
            Body::Random(length) => length,
        }
    }

    /// Whether each probe sends something else.
    pub(super) fn changes(&self) -> bool {
        self.body != Body::Fixed || self.buster.is_some()
    }

    /// The next request.
    pub(super) fn prepare(&self, dialer: &Dialer) -> Prepared {
        let url = &dialer.route().url;
        if !self.changes() {
            return dialer.prepare(&self.request, url);
        }
        let (mut request, mut url) = (self.request.clone(), url.clone());
        if let Body::Random(length) = self.body {
            let mut bytes = vec![0; length];
            rand::rng().fill(&mut bytes[..]);
            request.body = bytes.into();
        }
        if let Some(name) = &self.buster {
            let join = if url.path.contains('?') { '&' } else { '?' };
            url.path = format!("{}{join}{name}={:x}", url.path, rand::rng().random::<u64>());
        }
        dialer.prepare(&request, &url)
    }
}
