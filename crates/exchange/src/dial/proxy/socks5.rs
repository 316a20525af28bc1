//! A way through a SOCKS5 proxy (RFC 1928, with user and password after RFC 1929), which looks up
//! names itself.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Proxy, broken};
use crate::dial::{authority, resolve};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NOTHING_SUITS: u8 = 0xff;
/// Version of the exchange of user and password.
const PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const V4: u8 = 1;
const NAME: u8 = 3;
const V6: u8 = 4;

/// Makes `stream` one to the server; else why not.
pub(super) async fn connect(
    stream: &mut TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), String> {
    log_in(stream, proxy).await?;
    let mut request = vec![VERSION, CONNECT, 0];
    match resolve::literal(host) {
        Some(IpAddr::V4(address)) => {
            request.push(V4);
            request.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            request.push(V6);
            request.extend_from_slice(&address.octets());
        }
        None => {
            request.push(NAME);
            request.extend_from_slice(&short("name of the server", host)?);
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    write(stream, &request).await?;
    let [version, reply, _, kind] = read(stream).await?;
    if version != VERSION {
        return Err(format!("it does not speak SOCKS5: it answered {version} for the version"));
    }
    if reply != 0 {
        return Err(format!(
            "it does not connect to {}: {}",
            authority(host, port),
            meaning(reply)
        ));
    }
    // The address it connects from, and a port; neither tells us anything.
    let length = match kind {
        V4 => 4,
        V6 => 16,
        NAME => usize::from(read::<1>(stream).await?[0]),
        other => return Err(format!("it answered with an unknown kind of address, {other}")),
    };
    let mut address = [0; 255 + 2];
    let address = &mut address[..length + 2];
    stream.read_exact(address).await.map_err(|error| broken(&error))?;
    Ok(())
}

/// Agrees on a way to log in, and logs in.
async fn log_in(stream: &mut TcpStream, proxy: &Proxy) -> Result<(), String> {
    let offered: &[u8] = match proxy.login {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, PASSWORD],
    };
    write(stream, offered).await?;
    let [version, chosen] = read(stream).await?;
    match (version, chosen, &proxy.login) {
        (VERSION, NO_LOGIN, _) => Ok(()),
        (VERSION, PASSWORD, Some(login)) => {
            let user = short("user", &login.user)?;
            let password = short("password", login.password.as_deref().unwrap_or_default())?;
            write(stream, &[&[PASSWORD_VERSION], &user[..], &password[..]].concat()).await?;
            match read(stream).await? {
                [_, 0] => Ok(()),
                [_, _] => Err("it refuses the user or the password".to_owned()),
            }
        }
        (VERSION, NOTHING_SUITS, None) => {
            Err("it asks for a user and a password: write USER:PASSWORD@HOST:PORT".to_owned())
        }
        (VERSION, NOTHING_SUITS, Some(_)) => {
            Err("it wants to know who asks in a way that is not supported".to_owned())
        }
        (VERSION, other, _) => Err(format!("it wants a login that was not offered, {other}")),
        (other, ..) => {
            Err(format!("it does not speak SOCKS5: it answered {other} for the version"))
        }
    }
}

/// Text behind its length, which is one byte.
fn short(what: &str, text: &str) -> Result<Vec<u8>, String> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length > 0);
    let length = length.ok_or_else(|| format!("the {what} must have 1 to 255 bytes"))?;
    Ok([&[length], text.as_bytes()].concat())
}

fn meaning(reply: u8) -> String {
    match reply {
        1 => "general failure".to_owned(),
        2 => "its rules do not allow it".to_owned(),
        3 => "network unreachable".to_owned(),
        4 => "host unreachable".to_owned(),
        5 => "connection refused".to_owned(),
        6 => "no answer in time".to_owned(),
        7 => "it cannot connect".to_owned(),
        8 => "it does not know this kind of address".to_owned(),
        other => format!("failure {other}"),
    }
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), String> {
    stream.write_all(bytes).await.map_err(|error| broken(&error))
}

async fn read<const LENGTH: usize>(stream: &mut TcpStream) -> Result<[u8; LENGTH], String> {
    let mut bytes = [0; LENGTH];
    stream.read_exact(&mut bytes).await.map_err(|error| broken(&error))?;
    Ok(bytes)
}
