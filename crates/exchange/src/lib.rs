//! One HTTP request and its answer, timed in phases: what `bench ping`, `bench probe` and
//! `bench load` send. It decides nothing: when, how often and how many at once is for its callers.
//!
//! The way through it: a [`Url`] makes a [`Dialer`], which resolves to [`Peer`]s and connects to one;
//! the [`Connection`] exchanges [`Prepared`] requests for [`Answer`]s. Everything that happens
//! stamps its time in [`Stamps`], from which [`Phases`] follow; everything that fails is a
//! [`Failure`] of one [`Kind`].

mod answer;
mod connection;
mod dial;
mod failure;
mod habits;
mod head;
mod login;
mod lookup;
mod request;
mod stamps;
mod turn;
mod url;
mod wire;

pub use answer::{Answer, Decoder, Malformed, Progress};
pub use connection::{Connection, Protocol, Secured};
pub use dial::{BadProxy, Dialer, Family, Peer, Proxy, ProxyKind, Route, Trust};
pub use failure::{Failure, Kind};
pub use head::{Head, Headers};
pub use login::Login;
pub use lookup::look_up;
pub use request::{BadHeader, Form, Prepared, Request, check_headers};
pub use stamps::{Phase, Phases, Stamps};
pub use url::{BadUrl, Scheme, Url};
