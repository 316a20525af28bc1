//! The flags and variables by which a service is given its Redis.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::password::{Password, PasswordError, Readers};
use crate::{AddressError, RedisAddress};

/// Which Redis, and how to log in there.
#[derive(Args, Clone, Debug)]
pub struct RedisSettings {
    /// Redis server: HOST[:PORT], `redis://HOST[:PORT][/DATABASE]` or `unix:///PATH`
    #[arg(long, value_name = "ADDRESS", default_value = "redis:6379", hide_env_values = true)]
    redis: RedisAddress,
    /// User to log in to Redis as [default: Redis's own default user]
    #[arg(long, value_name = "NAME", hide_env_values = true)]
    redis_user: Option<String>,
    /// File whose first line is the password for Redis; a variable named like this flag without
    /// _FILE can hold the password itself
    #[arg(long, value_name = "FILE", hide_env_values = true)]
    redis_password_file: Option<OsString>,
}

/// Why the settings name no Redis to use.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The address.
    #[error("--redis: {0}")]
    Address(#[from] AddressError),
}

impl RedisSettings {
    /// The server. Without its password before [`Self::log_in`].
    #[must_use]
    pub fn server(&self) -> &RedisAddress {
        &self.redis
    }

    /// Adds the user and the password to the address. The password is read from its file, or from
    /// the variable `<SERVICE>_REDIS_PASSWORD`. Empty values are none, so that a stack file can
    /// pass on what is not set.
    ///
    /// # Errors
    /// When the file cannot be read, or a user or password is given twice.
    pub fn log_in(&mut self, service: &str) -> Result<(), SettingsError> {
        let file = self.redis_password_file.clone().filter(|file| !file.is_empty());
        let password = password_of(service, file.map(PathBuf::from).as_deref(), Readers::Any)?;
        let user = self.redis_user.as_deref().filter(|user| !user.is_empty());
        self.redis = self.redis.clone().with_login(user, password.as_ref())?;
        Ok(())
    }
}

/// The password in `file`, or in the variable `<PROGRAM>_REDIS_PASSWORD`; `None` without either.
///
/// # Errors
/// When both are given, or the file holds no password or has more readers than it should.
pub fn password_of(
    program: &str,
    file: Option<&std::path::Path>,
    readers: Readers,
) -> Result<Option<Password>, PasswordError> {
    let variable = format!("{}_REDIS_PASSWORD", program.to_uppercase());
    let given = std::env::var_os(&variable).filter(|value| !value.is_empty());
    let name = "--redis-password-file";
    match (file, given) {
        (Some(_), Some(_)) => {
            Err(PasswordError::Twice(format!("{name} ({variable}_FILE)"), variable))
        }
        (Some(path), None) => Password::from_file(name, path, readers).map(Some),
        (None, Some(value)) => match value.into_string() {
            Ok(password) => Ok(Some(Password::new(password))),
            Err(_) => Err(PasswordError::NotText(variable)),
        },
        (None, None) => Ok(None),
    }
}
