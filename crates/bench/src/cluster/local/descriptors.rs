//! How the open-file limit is shared out: bench's own files first, the published ports the rest. A
//! crowd at one port then takes nothing from the other ports, the embedded Redis, the control socket
//! and the replicas.

use std::num::NonZeroU32;
use std::time::Duration;

use service::RESERVE;

use super::relay::Limits;
use crate::failure::Failure;

/// Descriptors for all that is not a connection to a published port: three for each replica, one for
/// each connection to the embedded Redis, and room to spare, at 500 replicas of each service.
const OWN: u64 = 8192;
/// Published ports.
const PORTS: u64 = 3;
/// Most connections a port has by default: as many as a replica takes.
const USUAL: u64 = 20_000;
/// Health checks over a port's limit that are passed on at a time.
const HEALTH_CHECKS: u64 = 16;

/// The limits of each published port where `files` may be open: as many connections at a time as
/// are `asked` for, or by default as there is room for, up to 20,000, after those of the `port_clients`
/// of Redis. One that is passed on takes
/// two descriptors, one in the reserve one, and a health check from there two more.
///
/// # Errors
/// When more are asked for than there is room for.
pub(super) fn port_limits(
    files: u64,
    port_clients: usize,
    asked: Option<NonZeroU32>,
    idle: Duration,
) -> Result<Limits, Failure> {
    let left = files.saturating_sub(port_clients as u64);
    // At a low limit bench's own share is half of it: fewer replicas need less.
    let each = (left - OWN.min(left / 2)) / PORTS;
    let reserve = (each / 4).clamp(1, RESERVE as u64);
    let health_checks = (each / 16).clamp(1, HEALTH_CHECKS);
    let room = (each.saturating_sub(reserve + 2 * health_checks) / 2).max(1);
    let connections = asked.map_or(room.min(USUAL), |asked| asked.get().into());
    if connections > room {
        return Err(Failure::TooManyConnections { asked: connections, room, files });
    }
    let small = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Limits {
        connections: small(connections),
        reserve: small(reserve),
        health_checks: small(health_checks),
        idle,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(files: u64, asked: u32) -> Result<Limits, Failure> {
        port_limits(files, 0, NonZeroU32::new(asked), Duration::from_secs(1))
    }

    #[test]
    fn the_ports_share_what_bench_itself_leaves() {
        for (files, own, connections) in
            [(1_048_576, OWN, 20_000), (65_536, OWN, 9509), (u64::MAX, OWN, 20_000)]
        {
            assert_eq!(limits(files, 0).unwrap().connections, connections, "of {files}");
            assert!(3 * (2 * connections as u64 + 96) <= files - own);
        }
        for (files, at_least) in [(1024, 50), (256, 10), (128, 5), (16, 1)] {
            let Limits { connections, reserve, health_checks, .. } = limits(files, 0).unwrap();
            assert!(connections >= at_least && reserve > 0 && health_checks > 0, "of {files}");
            let taken = 3 * (2 * connections + reserve + 2 * health_checks) as u64;
            assert!(files < 128 || taken <= files / 2, "{taken} of {files}");
        }
    }

    #[test]
    fn clients_of_redis_s_port_are_left_room() {
        let limits = port_limits(1024, 64, None, Duration::from_secs(1)).unwrap();
        let taken = 3 * (2 * limits.connections + limits.reserve + 2 * limits.health_checks);
        assert!(taken + 64 <= 1024 / 2 + 32, "{taken}");
        assert!(port_limits(16, 64, None, Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn what_is_asked_for_must_fit() {
        assert_eq!(limits(1024, 7).unwrap().connections, 7);
        let said = limits(65_536, 9510).unwrap_err().to_string();
        assert!(said.contains("9509") && said.contains("65536"), "{said}");
    }
}
