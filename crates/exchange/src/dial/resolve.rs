//! Names to addresses, as the system knows them.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpSocket;

use super::route::Family;
use crate::failure::{Failure, out_of_descriptors};

/// The address that a host is, where it is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// All addresses of a name.
pub(super) async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    match crate::lookup::look_up(host, port).await {
        Ok(addresses) => Ok(addresses),
        Err(error) => {
            // Without a file descriptor the system says that it does not know the name.
            let descriptors = TcpSocket::new_v4().err().filter(out_of_descriptors);
            Err(Failure::resolve(host, &descriptors.unwrap_or(error)))
        }
    }
}

/// Those of `addresses` that may be used: of the family that was asked for, and of that of the
/// address to connect from.
pub(super) fn usable(
    mut addresses: Vec<SocketAddr>,
    host: &str,
    family: Option<Family>,
    bind: Option<IpAddr>,
) -> Result<Vec<SocketAddr>, Failure> {
    let none = |reason: String| Failure::Resolve { host: host.to_owned(), reason };
    if addresses.is_empty() {
        return Err(none("it has no address".to_owned()));
    }
    if let Some(family) = family {
        addresses.retain(|address| family.has(address.ip()));
        if addresses.is_empty() {
            return Err(none(format!("it has no {family} address")));
        }
    }
    if let Some(bind) = bind {
        let family = if bind.is_ipv4() { Family::V4 } else { Family::V6 };
        addresses.retain(|address| family.has(address.ip()));
        if addresses.is_empty() {
            let reason = format!("it has no {family} address, as {bind} to connect from is");
            return Err(none(reason));
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> Vec<SocketAddr> {
        ["1.2.3.4:80", "[::1]:80"].map(|address| address.parse().unwrap()).to_vec()
    }

    #[test]
    fn only_addresses_of_the_wanted_family_are_used() {
        let all = usable(both(), "x", None, None).unwrap();
        assert_eq!(all, both());
        let six = usable(both(), "x", Some(Family::V6), None).unwrap();
        assert_eq!(six, both()[1..]);
        let bound = usable(both(), "x", None, Some("127.0.0.1".parse().unwrap())).unwrap();
        assert_eq!(bound, both()[..1]);
    }

    #[test]
    fn no_address_of_the_wanted_family_is_said() {
        let error = usable(both()[..1].to_vec(), "x", Some(Family::V6), None).unwrap_err();
        assert_eq!(error.to_string(), "cannot resolve x: it has no IPv6 address");
        let bind = Some("::1".parse().unwrap());
        let error = usable(both(), "x", Some(Family::V4), bind).unwrap_err();
        assert!(error.to_string().ends_with("no IPv6 address, as ::1 to connect from is"));
        assert!(usable(Vec::new(), "x", None, None).is_err());
    }
}
