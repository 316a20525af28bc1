//! Who asks: the user and the password that were typed, or are in a URL, a file or the environment,
//! in this order. A command line can be read by every user of a machine; a file and the environment
//! cannot.

use std::path::{Path, PathBuf};

use exchange::Login;

/// The environment variable with the password of a server.
pub const PASSWORD: &str = "BENCH_PASSWORD";
/// The environment variable with the password of a proxy.
pub const PROXY_PASSWORD: &str = "BENCH_PROXY_PASSWORD";

/// What was typed of a user and a password.
#[derive(Clone, Debug, Default)]
pub struct Typed<'a> {
    /// The user; else the one in the URL counts.
    pub user: Option<&'a str>,
    /// The password.
    pub password: Option<&'a str>,
    /// A file with the password in its first line.
    pub file: Option<&'a Path>,
    /// The flags that give user, password and file, for messages.
    pub flags: [&'static str; 3],
    /// The environment variable with the password, where none was typed.
    pub variable: &'static str,
}

/// Why there is no user to log in as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// A password without a user.
    #[error("{password} needs a user: {user} NAME, or NAME@ before the host")]
    User {
        /// The flag of the password.
        password: &'static str,
        /// The flag of the user.
        user: &'static str,
    },
    /// A file that cannot be read.
    #[error("{flag} {}: {reason}", path.display())]
    File {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Typed<'_> {
    /// Who asks, `of_url` being who the URL names; `None` without a user.
    ///
    /// # Errors
    /// When there is a password and no user, or its file cannot be read.
    pub fn login(&self, of_url: Option<&Login>) -> Result<Option<Login>, Unknown> {
        self.login_with(of_url, |variable| std::env::var(variable).ok())
    }

    /// The same with another environment.
    fn login_with(
        &self,
        of_url: Option<&Login>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Login>, Unknown> {
        let [user_flag, password_flag, file_flag] = self.flags;
        let known = match self.user {
            Some(user) => Some(Login { user: user.to_owned(), password: None }),
            None => of_url.cloned(),
        };
        let Some(mut login) = known else {
            let flag = self.password.map(|_| password_flag).or(self.file.map(|_| file_flag));
            return match flag {
                Some(password) => Err(Unknown::User { password, user: user_flag }),
                None => Ok(None),
            };
        };
        match (self.password, self.file) {
            (Some(password), _) => login.password = Some(password.to_owned()),
            (None, Some(file)) => login.password = Some(first_line(file_flag, file)?),
            (None, None) if login.password.is_none() => login.password = environment(self.variable),
            (None, None) => {}
        }
        Ok(Some(login))
    }
}

/// The first line of a file, as passwords are kept in.
fn first_line(flag: &'static str, path: &Path) -> Result<String, Unknown> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().next().unwrap_or_default().to_owned()),
        Err(error) => {
            let text = error.to_string();
            let reason = text.split_once(" (os error").map_or(&*text, |(words, _)| words);
            Err(Unknown::File { flag, path: path.to_owned(), reason: reason.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [&str; 3] = ["-U", "-P", "--password-file"];

    fn password(typed: &Typed<'_>, url: Option<&str>) -> Option<(String, Option<String>)> {
        let url = url.map(|text| Login::of_url(text).unwrap());
        let environment = |name: &str| (name == "SECRET").then(|| "from outside".to_owned());
        let login = typed.login_with(url.as_ref(), environment).unwrap();
        login.map(|login| (login.user, login.password))
    }

    #[test]
    fn what_is_typed_comes_before_the_url_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("word");
        std::fs::write(&file, "from file\nmore\n").unwrap();
        let typed = Typed { flags: FLAGS, variable: "SECRET", ..Typed::default() };
        let of = |user: &str, word: &str| Some((user.to_owned(), Some(word.to_owned())));
        assert_eq!(password(&typed, None), None);
        assert_eq!(password(&typed, Some("url:word")), of("url", "word"));
        assert_eq!(password(&typed, Some("url")), of("url", "from outside"));
        let user = Typed { user: Some("me"), ..typed.clone() };
        assert_eq!(password(&user, Some("url:word")), of("me", "from outside"));
        let from_file = Typed { file: Some(&file), ..user.clone() };
        assert_eq!(password(&from_file, None), of("me", "from file"));
        let all = Typed { password: Some("typed"), ..from_file };
        assert_eq!(password(&all, None), of("me", "typed"));
        let unset = Typed { variable: "OTHER", ..user };
        assert_eq!(password(&unset, None), Some(("me".to_owned(), None)));
    }

    #[test]
    fn a_password_of_nobody_is_refused() {
        let typed = Typed { password: Some("x"), flags: FLAGS, ..Typed::default() };
        let error = typed.login(None).unwrap_err().to_string();
        assert_eq!(error, "-P needs a user: -U NAME, or NAME@ before the host");
        let typed =
            Typed { file: Some(Path::new("/nowhere")), user: Some("u"), flags: FLAGS, ..typed };
        let typed = Typed { password: None, ..typed };
        let error = typed.login(None).unwrap_err().to_string();
        assert_eq!(error, "--password-file /nowhere: No such file or directory");
    }
}
