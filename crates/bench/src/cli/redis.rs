//! Flags that say which Redis an app on this machine uses.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, CommandFactory as _, FromArgMatches};
use redis_address::RedisAddress;

use super::Cli;

/// Which Redis an app on this machine uses, and who may reach it, by flags and variables. A flag
/// counts where a variable says otherwise.
#[derive(Clone, Debug)]
pub struct RedisArgs {
    /// A Redis to use in place of the embedded one.
    pub redis: Option<RedisAddress>,
    /// User to log in to that Redis as.
    pub redis_user: Option<String>,
    /// Port of loopback for the embedded Redis, 0 for any free one.
    pub redis_port: Option<u16>,
    /// File with the password.
    pub redis_password_file: Option<PathBuf>,
    /// Whether any of it is a flag; variables may be exported for other commands.
    typed: bool,
}

/// What is read. The password itself is never a flag, as every user of the machine can list the
/// arguments of processes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Local cluster")]
struct Given {
    /// A Redis to use in place of the embedded one: HOST[:PORT], `redis://HOST[:PORT][/DATABASE]`
    /// or `unix:///PATH`
    #[arg(long, value_name = "ADDRESS", env = "BENCH_REDIS", hide_env_values = true)]
    redis: Option<RedisAddress>,
    /// User to log in to that Redis as
    #[arg(long, value_name = "NAME", env = "BENCH_REDIS_USER", hide_env_values = true)]
    redis_user: Option<String>,
    /// Open the embedded Redis on this port of loopback too, with a password; 0 for any free port.
    /// Its unix socket, for this user alone, is always there
    #[arg(long, value_name = "PORT", env = "BENCH_REDIS_PORT")]
    redis_port: Option<u16>,
    /// File, readable by this user alone, whose first line is the password: that of the Redis
    /// named with --redis, or the one that --redis-port asks for. Without it the password is that
    /// in the variable `BENCH_REDIS_PASSWORD`; for --redis-port, without both, a random one
    #[arg(long, value_name = "FILE", env = "BENCH_REDIS_PASSWORD_FILE", hide_env_values = true)]
    redis_password_file: Option<PathBuf>,
}

impl RedisArgs {
    /// Whether any of it is a flag.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.typed
    }

    /// What counts of all that was given.
    ///
    /// # Errors
    /// When both the named and the embedded Redis are asked for in the same way, or a flag is about
    /// neither.
    fn chosen(given: Given, typed: impl Fn(&str) -> bool) -> Result<Self, clap::Error> {
        let Given { redis, redis_user, redis_port, redis_password_file } = given;
        let [named, port] = [typed("redis"), typed("redis_port")];
        if redis.is_some() && redis_port.is_some() && named == port {
            return Err(wrong(
                ErrorKind::ArgumentConflict,
                "--redis (BENCH_REDIS) names another Redis, --redis-port (BENCH_REDIS_PORT) opens the \
                 embedded one: give one of them",
            ));
        }
        let redis = redis.filter(|_| !port);
        let redis_port = redis_port.filter(|_| !named);
        if redis.is_none() && typed("redis_user") {
            return Err(wrong(ErrorKind::MissingRequiredArgument, "--redis-user needs --redis"));
        }
        if redis.is_none() && redis_port.is_none() && typed("redis_password_file") {
            return Err(wrong(
                ErrorKind::MissingRequiredArgument,
                "--redis-password-file needs --redis or --redis-port",
            ));
        }
        let redis_user = redis_user.filter(|_| redis.is_some());
        let typed =
            ["redis", "redis_user", "redis_port", "redis_password_file"].into_iter().any(&typed);
        Ok(Self { redis, redis_user, redis_port, redis_password_file, typed })
    }
}

fn wrong(kind: ErrorKind, text: &str) -> clap::Error {
    Cli::command().error(kind, text)
}

impl FromArgMatches for RedisArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        Self::chosen(Given::from_arg_matches(matches)?, typed)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for RedisArgs {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [&str; 4] = ["redis", "redis_user", "redis_port", "redis_password_file"];

    /// What counts where all of these are set and the `typed` ones are flags: the named Redis, the
    /// port, and whether any of it was typed.
    fn chosen(set: &[&str], typed: &[&str]) -> Result<(bool, bool, bool), ErrorKind> {
        assert!(set.iter().chain(typed).all(|name| FLAGS.contains(name)));
        let is_set = |name: &str| set.contains(&name) || typed.contains(&name);
        let given = Given {
            redis: is_set("redis").then(|| "h".parse().unwrap()),
            redis_user: is_set("redis_user").then(|| "ada".to_owned()),
            redis_port: is_set("redis_port").then_some(7),
            redis_password_file: is_set("redis_password_file").then(|| "/p".into()),
        };
        RedisArgs::chosen(given, |name| typed.contains(&name))
            .map(|args| (args.redis.is_some(), args.redis_port.is_some(), args.is_typed()))
            .map_err(|error| error.kind())
    }

    #[test]
    fn a_flag_counts_where_a_variable_says_otherwise() {
        assert_eq!(chosen(&["redis"], &[]), Ok((true, false, false)));
        assert_eq!(chosen(&["redis_port"], &["redis"]), Ok((true, false, true)));
        assert_eq!(chosen(&["redis"], &["redis_port"]), Ok((false, true, true)));
        assert_eq!(chosen(&["redis_user", "redis_password_file"], &[]), Ok((false, false, false)));
        assert_eq!(chosen(&["redis"], &["redis_user"]), Ok((true, false, true)));
    }

    #[test]
    fn what_contradicts_itself_or_is_about_no_server_is_refused() {
        assert_eq!(chosen(&[], &["redis", "redis_port"]), Err(ErrorKind::ArgumentConflict));
        assert_eq!(chosen(&["redis", "redis_port"], &[]), Err(ErrorKind::ArgumentConflict));
        for alone in ["redis_user", "redis_password_file"] {
            assert_eq!(chosen(&[], &[alone]), Err(ErrorKind::MissingRequiredArgument), "{alone}");
        }
        let about_the_embedded_one = chosen(&["redis"], &["redis_port", "redis_user"]);
        assert_eq!(about_the_embedded_one, Err(ErrorKind::MissingRequiredArgument));
    }
}
