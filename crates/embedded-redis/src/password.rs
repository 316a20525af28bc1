//! The password of the default user; must not keep the password itself, nor show any of it.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A password that clients must give with `AUTH` or `HELLO` before anything else, as with
/// `requirepass` of a real Redis. Only its SHA-256 is kept.
#[derive(Clone, Copy)]
pub struct Password([u8; 32]);

impl Password {
    /// The password `text`, byte for byte.
    #[must_use]
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether `text` is the password. Takes the same time wherever the two differ.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        let Self(other) = Self::new(text);
        let differences = self.0.iter().zip(other).fold(0, |sum, (own, other)| sum | (own ^ other));
        differences == 0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_password_fits_and_none_of_it_is_shown() {
        let password = Password::new("geheim\0\u{fc}");
        assert!(password.is("geheim\0\u{fc}".as_bytes()));
        for wrong in [&b""[..], b"geheim", "geheim\0\u{fc} ".as_bytes(), b"Geheim\0\xfc"] {
            assert!(!password.is(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{password:?}"), "Password");
    }
}
