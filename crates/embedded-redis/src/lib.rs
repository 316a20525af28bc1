//! Enough of a Redis server, in process, for the local mode of the app and for its tests.
//!
//! It keeps nothing on disk and must not be used where a real Redis is configured. What it
//! answers is held to what a real `redis-server` answers by one suite that runs against both.
//!
//! The caller owns the listener and decides when to stop:
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use embedded_redis::{Redis, serve};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let server = tokio::spawn(serve(listener, Redis::new(), async {
//!     stopped.await.ok();
//! }));
//! drop(stop);
//! server.await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod clients;
mod commands;
mod connection;
mod error;
mod expiry;
mod faults;
mod glob;
mod inline;
mod integer;
mod limits;
mod ordered_map;
mod password;
mod redis;
mod reply;
mod request;
mod server;
mod session;
mod store;
mod transport;
mod watches;

pub use faults::Faults;
pub use password::Password;
pub use redis::Redis;
pub use server::serve;
pub use transport::Listen;
