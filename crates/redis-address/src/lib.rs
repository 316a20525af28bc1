//! Where Redis is and how to log in there: from a flag, environment variables and a file, to a
//! client. What it holds is never printed: neither `Debug` nor an error shows a user name or a
//! password. It connects to nothing.

mod password;
mod settings;

use std::fmt;
use std::str::FromStr;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisResult};

pub use password::{Password, PasswordError, Readers};
pub use settings::{RedisSettings, SettingsError, password_of};

/// A Redis server, the user and password to log in with, and the number of the database.
///
/// Written `HOST`, `HOST:PORT`, `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]` or
/// `unix:///PATH[?db=N&user=USER&pass=PASSWORD]`. The name of a host is resolved at each connect,
/// so that Redis may move.
#[derive(Clone)]
pub struct RedisAddress(ConnectionInfo);

/// What is wrong with an address. Never repeats it: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not written as an address is.
    #[error("must be HOST[:PORT], redis://HOST[:PORT][/DATABASE] or unix:///PATH")]
    Form,
    /// The port is none.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// A user or password holds characters that end it.
    #[error(
        "percent-encode /, ?, # and @ in user and password (%2F, %3F, %23, %40), or leave the \
         password out and give it by a file or variable"
    )]
    Encoding,
    /// Encrypted connections.
    #[error("connections to Redis with TLS are not supported; write redis://")]
    Tls,
    /// What the client library says.
    #[error("not a Redis address: {0}")]
    Other(String),
    /// The address has a user or password already.
    #[error("{0} is given both in the address of Redis and apart from it; give it once")]
    Twice(&'static str),
}

impl RedisAddress {
    /// A client for this address. Opening it connects to nothing.
    ///
    /// # Errors
    /// None for an address that was parsed.
    pub fn client(&self) -> RedisResult<Client> {
        Client::open(self.0.clone())
    }

    /// The socket of a server on this machine.
    #[must_use]
    pub fn unix(path: std::path::PathBuf) -> Option<Self> {
        ConnectionAddr::Unix(path).into_connection_info().ok().map(Self)
    }

    /// The same server, with a login where there is none yet.
    ///
    /// # Errors
    /// When the address has a user or password already.
    pub fn with_login(
        self,
        user: Option<&str>,
        password: Option<&Password>,
    ) -> Result<Self, AddressError> {
        let mut login = self.0.redis_settings().clone();
        if let Some(user) = user {
            match login.username() {
                Some(_) => return Err(AddressError::Twice("the user")),
                None => login = login.set_username(user),
            }
        }
        if let Some(password) = password {
            match login.password() {
                Some(_) => return Err(AddressError::Twice("the password")),
                None => login = login.set_password(password.expose()),
            }
        }
        Ok(Self(self.0.set_redis_settings(login)))
    }

    /// The address without the login, which can be shown and parsed again.
    #[must_use]
    pub fn without_login(&self) -> String {
        let database = self.0.redis_settings().db();
        match self.0.addr() {
            ConnectionAddr::Unix(path) => format!("unix://{}?db={database}", encoded(path)),
            ConnectionAddr::Tcp(host, port) if host.contains(':') => {
                format!("redis://[{host}]:{port}/{database}")
            }
            address => format!("redis://{address}/{database}"),
        }
    }

    /// The user to log in as, if any.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.0.redis_settings().username()
    }

    /// The password to log in with, if any: for the server and for the environment of a child
    /// process, never for a text.
    #[must_use]
    pub fn expose_password(&self) -> Option<&str> {
        self.0.redis_settings().password()
    }
}

/// A path as a URL has it.
fn encoded(path: &std::path::Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                text.push(char::from(*byte));
            }
            other => {
                // Writing to a text does not fail.
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

impl FromStr for RedisAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = match text.split_once("://") {
            None => format!("redis://{}", host_and_port(text)?),
            Some(("unix" | "redis+unix", _)) => text.to_owned(),
            Some(("redis", rest)) => {
                let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
                if rest[authority.len()..].contains('@') {
                    return Err(AddressError::Encoding);
                }
                let after_login = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
                host_and_port(after_login)?;
                text.to_owned()
            }
            Some(("rediss" | "valkeys", _)) => return Err(AddressError::Tls),
            Some(_) => return Err(AddressError::Form),
        };
        // The library's words and detail are about the part that is wrong, a database's number
        // for instance; the detail may quote it, so only its words are kept.
        let other = |error: redis::RedisError| AddressError::Other(error.category().to_owned());
        url.into_connection_info().map(Self).map_err(other)
    }
}

/// Checks `HOST[:PORT]`, where HOST may be an IPv6 address in brackets.
fn host_and_port(text: &str) -> Result<&str, AddressError> {
    if text.contains('@') {
        return Err(AddressError::Form);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if host.is_empty() || host.contains(['/', ' ', '?', '#']) {
        return Err(AddressError::Form);
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(text),
        Some(_) => Err(AddressError::Port),
    }
}

/// Host and port, or the socket's path.
impl fmt::Display for RedisAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.addr().fmt(out)
    }
}

/// The same, and the database.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.0.addr(), self.0.redis_settings().db())
    }
}

impl PartialEq for RedisAddress {
    fn eq(&self, other: &Self) -> bool {
        let login = |address: &Self| {
            let login = address.0.redis_settings();
            (login.db(), login.username().map(str::to_owned), login.password().map(str::to_owned))
        };
        self.0.addr() == other.0.addr() && login(self) == login(other)
    }
}

impl Eq for RedisAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> RedisAddress {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn addresses_are_hosts_urls_and_sockets() {
        for (text, shown) in [
            ("redis", "redis:6379"),
            ("tasks.redis:7000", "tasks.redis:7000"),
            ("my_redis", "my_redis:6379"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:7001", "::1:7001"),
            ("redis://:Zauber%2Fwort@10.0.0.7/3", "10.0.0.7:6379"),
            ("redis://ada:Zauberwort@h", "h:6379"),
            ("unix:///run/a/redis.sock", "/run/a/redis.sock"),
            ("unix:///run/a%20b?db=2&pass=Zauberwort", "/run/a b"),
        ] {
            let address = parsed(text);
            assert_eq!(address.to_string(), shown, "{text}");
            assert_eq!(parsed(&address.without_login()).to_string(), shown, "{text}");
            for said in [format!("{address:?}"), address.without_login(), address.to_string()] {
                assert!(!said.contains("Zauber") && !said.contains("ada"), "{said}");
            }
        }
        assert_eq!(format!("{:?}", parsed("redis://h/4")), "h:6379/4");
        assert_eq!(parsed("redis://h/4").without_login(), "redis://h:6379/4");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "",
            ":6379",
            "redis:port",
            "redis:99999",
            "redis:0",
            "http://redis",
            "redis/1",
            "a b",
            "ada:Zauberwort@h",
            "ada:Zauber:wort@h:6379",
            "redis://:Zauber/wort@h",
            "redis://ada:12#Zauberwort@h",
            "redis://ada:12?Zauberwort@h",
            "redis://:Zauberwort@h:Zauberwort",
            "redis://:Zauberwort",
            "redis://:Zauberwort@h/Zauberwort",
            "redis://:Zauberwort@h?protocol=Zauberwort",
            "rediss://:Zauberwort@h",
            "unix://?pass=Zauberwort",
            "unix:///a?db=Zauberwort",
        ] {
            let error = text.parse::<RedisAddress>().map(|_| ()).unwrap_err().to_string();
            assert!(!error.contains("Zauber") && !error.contains("wort"), "{text}: {error}");
        }
    }

    #[test]
    fn a_login_is_given_once() {
        let password = Password::new("p@ss/w:rd");
        let plain = parsed("h").with_login(Some("ada"), Some(&password)).unwrap();
        assert_eq!((plain.user(), plain.expose_password()), (Some("ada"), Some("p@ss/w:rd")));
        assert_ne!(plain, parsed("h"));
        let twice = plain.with_login(None, Some(&password)).unwrap_err();
        assert_eq!(twice, AddressError::Twice("the password"));
        assert!(parsed("redis://a@h").with_login(Some("ada"), None).is_err());
    }
}
