//! A password, from a file or a variable, that no text can hold by mistake.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::fstat;

/// Longest password file read, in bytes.
const LONGEST: u64 = 64 * 1024;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// A password; neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Who may be able to read a file with a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Anyone, as with the secrets of a container, which it has to itself.
    Any,
    /// The user who owns it, and no other.
    OwnerOnly,
}

/// Why a password could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file cannot be read.
    #[error("{name}: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The flag or variable that names the file.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other users can read it, or replace what is in it.
    #[error("{name}: other users can read {}; make it yours alone with `chmod 600`",
            path.display())]
    Readable {
        /// The flag or variable that names the file.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// There is no password in it.
    #[error("{name}: there is no password in {}: {why}", path.display())]
    NoPassword {
        /// The flag or variable that names the file.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is in it instead.
        why: &'static str,
    },
    /// A password by two ways.
    #[error("the password for Redis is given by {0} and by {1}; give it once")]
    Twice(String, String),
    /// A variable that is not text.
    #[error("{0} is not UTF-8 text")]
    NotText(String),
}

impl Password {
    /// This password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The first line of the file at `path`, which `name` named.
    ///
    /// # Errors
    /// When it cannot be read, holds no line of text, or more users can read it than `readers`.
    pub fn from_file(name: &str, path: &Path, readers: Readers) -> Result<Self, PasswordError> {
        let (name, path) = (name.to_owned(), path.to_owned());
        let read = || -> io::Result<(bool, Vec<u8>)> {
            let file = File::open(&path)?;
            // Of the file that was opened, whatever its name may lead to by now.
            let found = fstat(&file)?;
            let owners = [0, rustix::process::geteuid().as_raw()];
            let is_own = owners.contains(&found.st_uid) && found.st_mode & OTHERS == 0;
            let mut bytes = Vec::new();
            file.take(LONGEST).read_to_end(&mut bytes)?;
            Ok((is_own, bytes))
        };
        let (is_own, bytes) = match read() {
            Ok(read) => read,
            Err(source) => return Err(PasswordError::Unreadable { name, path, source }),
        };
        if readers == Readers::OwnerOnly && !is_own {
            return Err(PasswordError::Readable { name, path });
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(PasswordError::NoPassword { name, path, why: "it is not UTF-8 text" });
        };
        match text.lines().next() {
            Some(line) if line.contains('\0') => {
                Err(PasswordError::NoPassword { name, path, why: "it holds a zero byte" })
            }
            None | Some("") => {
                Err(PasswordError::NoPassword { name, path, why: "its first line is empty" })
            }
            Some(line) => Ok(Self::new(line)),
        }
    }

    /// The password itself, for the server that asks for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(folder: &Path, content: &[u8], mode: u32) -> PathBuf {
        let path = folder.join("password");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_first_line_of_a_file_is_a_password() {
        let folder = tempfile::tempdir().unwrap();
        for (content, password) in [("geheim", "geheim"), ("ge heim\r\nmore\n", "ge heim")] {
            let path = file(folder.path(), content.as_bytes(), 0o400);
            let read = Password::from_file("--f", &path, Readers::OwnerOnly).unwrap();
            assert_eq!(read.expose(), password);
            assert_eq!(format!("{read:?}"), "Password");
            std::fs::remove_file(path).unwrap();
        }
        for content in [&b""[..], b"\n", b"\nx", b"\xff\xfe"] {
            let path = file(folder.path(), content, 0o600);
            let error = Password::from_file("--f", &path, Readers::Any).unwrap_err().to_string();
            assert!(error.contains("--f") && error.contains("no password"), "{error}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_for_containers_only() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o444] {
            let path = file(folder.path(), b"geheim", mode);
            let error = Password::from_file("--f", &path, Readers::OwnerOnly).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
            assert!(!error.to_string().contains("geheim"), "{error}");
            assert!(Password::from_file("--f", &path, Readers::Any).is_ok());
            std::fs::remove_file(path).unwrap();
        }
    }
}
