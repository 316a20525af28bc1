//! Bodies of requests: as typed, from a file, or random.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::Refusal;
use crate::settings::RequestArgs;

/// Different random bodies that take turns.
const VARIANTS: u64 = 64;
/// Most bytes of all of them.
const MOST_BYTES: u64 = 64_000_000;

/// All variants of the body; none without one.
pub(super) fn bodies(settings: &RequestArgs, seed: u64) -> Result<Vec<Bytes>, Refusal> {
    if let Some(text) = &settings.body {
        return Ok(vec![Bytes::from(text.clone())]);
    }
    if let Some(path) = &settings.body_file {
        let read = std::fs::read(path);
        let bytes = read.map_err(|source| Refusal::Body { path: path.clone(), source })?;
        return Ok(vec![Bytes::from(bytes)]);
    }
    let Some(length) = settings.body_random else { return Ok(Vec::new()) };
    // At least two, so that no two requests of a connection in a row are the same.
    let variants = (MOST_BYTES / length).min(VARIANTS);
    let fitting = usize::try_from(length).ok().filter(|_| variants >= 2);
    let length = fitting.ok_or(Refusal::LargeBody(MOST_BYTES / 2))?;
    let mut random = SmallRng::seed_from_u64(seed);
    let mut body = || {
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        Bytes::from(bytes)
    };
    Ok((0..variants).map(|_| body()).collect())
}
