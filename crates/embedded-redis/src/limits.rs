//! How much memory one client may take; must not depend on what its commands do.
//!
//! A client that goes beyond is disconnected, as Redis does at the limits of its query and output
//! buffers. These are smaller than Redis's, which has none for output and 1 GB for queries: this
//! server shares its process with what measures.

use bytes::Bytes;

use crate::reply::Reply;

/// The longest single argument. Redis says 512 MiB; nothing in the app needs a tenth of ours.
pub(crate) const MAXIMUM_BULK: usize = 64 * 1024 * 1024;
/// The largest request, and the most that `MULTI` queues: one argument of the longest kind, and some.
pub(crate) const MAXIMUM_QUERY: usize = 80 * 1024 * 1024;
/// The most that waits to be read by a client.
pub(crate) const MAXIMUM_OUTPUT: usize = 128 * 1024 * 1024;
/// The longest line for a client in `MONITOR`, which Redis does not limit.
pub(crate) const MAXIMUM_MONITOR_LINE: usize = 64 * 1024;
/// How many clients there may be unless another number is set, as Redis has it.
pub(crate) const MAXIMUM_CLIENTS: usize = 10_000;

/// What an argument or a reply takes beside its bytes.
const OVERHEAD: usize = 48;

/// Roughly the memory that a request takes.
pub(crate) fn request_size(request: &[Bytes]) -> usize {
    request.iter().map(|word| word.len() + OVERHEAD).sum::<usize>() + OVERHEAD
}

/// Roughly the bytes of a reply, at least what it takes in memory beside values that are stored.
pub(crate) fn reply_size(reply: &Reply) -> usize {
    let content = match reply {
        Reply::Error(text) | Reply::Text(text) => text.len(),
        Reply::Bulk(bytes) => bytes.len(),
        Reply::Array(items) => items.iter().map(reply_size).sum(),
        Reply::Map(entries) => {
            entries.iter().map(|(key, value)| reply_size(key) + reply_size(value)).sum()
        }
        _ => 0,
    };
    content + 16
}
