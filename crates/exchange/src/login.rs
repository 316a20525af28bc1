//! A user and a password: read out of URLs, sent as basic authentication, and never shown.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;

/// A user and a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password; `None` where there is none yet.
    pub password: Option<String>,
}

impl Login {
    /// Reads `USER[:PASSWORD]` as URLs have it, each percent-encoded; `None` where what is encoded is
    /// no text.
    #[must_use]
    pub fn of_url(text: &str) -> Option<Self> {
        let (user, password) = match text.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (text, None),
        };
        let decoded = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        let password = match password {
            Some(password) => Some(decoded(password)?),
            None => None,
        };
        Some(Self { user: decoded(user)?, password })
    }

    /// What `Authorization` and `Proxy-Authorization` say (RFC 7617). `None` cannot happen: base64 is
    /// always a value of a header.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let password = self.password.as_deref().unwrap_or_default();
        let words = BASE64_STANDARD.encode(format!("{}:{password}", self.user));
        let mut value = HeaderValue::from_str(&format!("Basic {words}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_decoded_and_not_shown() {
        let login = Login::of_url("maja:p%40ss%3Aword").unwrap();
        assert_eq!((&*login.user, login.password.as_deref()), ("maja", Some("p@ss:word")));
        assert!(!format!("{login:?}").contains("ss"), "{login:?}");
        assert_eq!(Login::of_url("a%3Ab").unwrap().user, "a:b");
        assert_eq!(Login::of_url("50%"), Some(Login { user: "50%".to_owned(), password: None }));
        assert_eq!(Login::of_url("%FF:x"), None);
        let known = Login::of_url("Aladdin:open%20sesame").unwrap().authorization().unwrap();
        assert_eq!(known.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{known:?}").contains("QWxh"));
    }
}
