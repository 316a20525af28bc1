//! The host of a URL: a name, of which the world knows its ASCII form, or an address.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

/// Host and port of `HOST[:PORT]`; an IPv6 address needs brackets where a port follows.
pub(super) fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (_, port) = rest.split_once(']').ok_or("the bracket of an address is not closed")?;
        let host = &text[..text.len() - port.len()];
        return match (port, port.strip_prefix(':')) {
            ("", _) => Ok((host, None)),
            (_, Some(port)) => Ok((host, Some(port))),
            (_, None) => Err("behind the bracket of an address only :PORT may follow".to_owned()),
        };
    }
    // More than one colon: an address without brackets, or something that is none.
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Ok((host, Some(port))),
        _ => Ok((text, None)),
    }
}

/// A host as it is looked up.
pub(super) fn host(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it has no host".to_owned());
    }
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match address {
        Some(address) => of_address(address),
        None if text.contains(':') => of_address(text),
        None => of_name(text),
    }
}

/// An IPv6 address, with its zone as the system writes it: URLs may write its `%` as `%25`
/// (RFC 6874).
fn of_address(text: &str) -> Result<String, String> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    if address.parse::<Ipv6Addr>().is_err() {
        return Err(format!("{address} is no IPv6 address"));
    }
    let Some(zone) = zone else { return Ok(address.to_owned()) };
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-~".contains(letter);
    if zone.is_empty() || !zone.chars().all(is_name) {
        return Err("the zone of the address must name an interface, such as %eth0".to_owned());
    }
    Ok(format!("{address}%{zone}"))
}

/// A name in ASCII.
fn of_name(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let name = decoded.map_err(|_| "the host is not encoded as UTF-8".to_owned())?;
    let name = match name.is_ascii() {
        true => name.into_owned(),
        false => idna::domain_to_ascii(&name)
            .map_err(|_| format!("the host {name} is no international domain name"))?,
    };
    let is_of_names = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    match name.chars().find(|letter| !is_of_names(*letter)) {
        None => Ok(name),
        Some(wrong) => Err(format!("a host has no {wrong:?} in it")),
    }
}
