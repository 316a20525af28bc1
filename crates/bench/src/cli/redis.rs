//! Flags that say which Redis an app on this machine uses.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use redis_address::RedisAddress;

/// Which Redis an app on this machine uses, and who may reach it. The password itself is never a
/// flag, as every user of the machine can list the arguments of processes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Local cluster",
          group = ArgGroup::new("redis_server").args(["redis", "redis_port"]))]
pub struct RedisArgs {
    /// A Redis to use in place of the embedded one: HOST[:PORT], `redis://HOST[:PORT][/DATABASE]`
    /// or `unix:///PATH`
    #[arg(long, value_name = "ADDRESS", env = "BENCH_REDIS", hide_env_values = true)]
    pub redis: Option<RedisAddress>,
    /// User to log in to that Redis as
    #[arg(
        long,
        value_name = "NAME",
        env = "BENCH_REDIS_USER",
        hide_env_values = true,
        requires = "redis"
    )]
    pub redis_user: Option<String>,
    /// Open the embedded Redis on this port of loopback too, with a password; 0 for any free port.
    /// Its unix socket, for this user alone, is always there
    #[arg(long, value_name = "PORT", env = "BENCH_REDIS_PORT")]
    pub redis_port: Option<u16>,
    /// File, readable by this user alone, whose first line is the password: that of the Redis
    /// named with --redis, or the one that --redis-port asks for [default: `BENCH_REDIS_PASSWORD`;
    /// for --redis-port a random one]
    #[arg(
        long,
        value_name = "FILE",
        env = "BENCH_REDIS_PASSWORD_FILE",
        hide_env_values = true,
        requires = "redis_server"
    )]
    pub redis_password_file: Option<PathBuf>,
}

impl RedisArgs {
    /// Whether any of it was given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        let Self { redis, redis_user, redis_port, redis_password_file } = self;
        redis.is_some()
            || redis_user.is_some()
            || redis_port.is_some()
            || redis_password_file.is_some()
    }
}
