//! The errors a client can be sent, in Redis's own words; must not be worded differently, since
//! clients and their users look for these texts.

use bytes::Bytes;
use thiserror::Error;

/// A command that could not be done; the text is the reply without its leading `-`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CommandError {
    #[error("ERR unknown command '{name}', with args beginning with: {arguments}")]
    UnknownCommand { name: String, arguments: String },
    #[error("ERR unknown subcommand '{name}'. Try {container} HELP.")]
    UnknownSubcommand { name: String, container: String },
    #[error("ERR wrong number of arguments for '{0}' command")]
    WrongArity(&'static str),
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    #[error("ERR hash value is not an integer")]
    HashValueNotAnInteger,
    #[error("ERR increment or decrement would overflow")]
    Overflow,
    #[error("ERR decrement would overflow")]
    DecrementOverflow,
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR invalid cursor")]
    InvalidCursor,
    #[error("ERR invalid expire time in '{0}' command")]
    InvalidExpiry(&'static str),
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    TooLong,
    #[error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust."
    )]
    NoFrequencies,
    #[error("ERR DB index is out of range")]
    NoSuchDatabase,
    #[error("ERR value is out of range, value must between -2147483648 and 2147483647")]
    NotAnInt,
    #[error("ERR Unsupported option {0}")]
    UnsupportedOption(String),
    #[error("ERR NX and XX, GT or LT options at the same time are not compatible")]
    NxWithOthers,
    #[error("ERR GT and LT options at the same time are not compatible")]
    GtWithLt,
    #[error("ERR MULTI calls can not be nested")]
    NestedMulti,
    #[error("ERR EXEC without MULTI")]
    ExecWithoutMulti,
    #[error("ERR DISCARD without MULTI")]
    DiscardWithoutMulti,
    #[error("ERR WATCH inside MULTI is not allowed")]
    WatchInsideMulti,
    #[error("ERR MONITOR isn't allowed for DENY BLOCKING client")]
    MonitorInTransaction,
    #[error("EXECABORT Transaction discarded because of previous errors.")]
    ExecAborted,
    #[error(
        "ERR AUTH <password> called without any password configured for the default user. \
         Are you sure your configuration is correct?"
    )]
    NoPasswordSet,
    #[error("WRONGPASS invalid username-password pair or user is disabled.")]
    WrongPassword,
    #[error("NOAUTH Authentication required.")]
    NotAuthenticated,
    #[error("EXECABORT Transaction discarded because of: NOAUTH Authentication required.")]
    ExecNotAuthenticated,
    #[error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
         AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
         protocol version at the same time"
    )]
    HelloNotAuthenticated,
    #[error("NOPROTO unsupported protocol version")]
    UnsupportedProtocol,
    #[error("ERR Protocol version is not an integer or out of range")]
    ProtocolNotAnInteger,
    #[error("ERR Syntax error in HELLO option '{0}'")]
    HelloOption(String),
    #[error("ERR Client names cannot contain spaces, newlines or special characters.")]
    InvalidClientName,
    #[error("ERR {0} cannot contain spaces, newlines or special characters.")]
    InvalidClientAttribute(&'static str),
    #[error("ERR Unrecognized option '{0}'")]
    UnrecognizedOption(String),
}

impl CommandError {
    /// The error for a request whose first word is no command. Quotes no more of it than Redis
    /// does, so that a stray upload is not echoed back whole.
    pub(crate) fn unknown_command(request: &[Bytes]) -> Self {
        const QUOTED: usize = 128;
        let mut arguments = String::new();
        for argument in request.iter().skip(1) {
            let Some(room) = QUOTED.checked_sub(arguments.len()).filter(|room| *room > 0) else {
                break;
            };
            arguments.push('\'');
            arguments.push_str(&clipped(argument, room));
            arguments.push_str("' ");
        }
        let name = request.first().map(|name| clipped(name, QUOTED)).unwrap_or_default();
        Self::UnknownCommand { name, arguments }
    }
}

/// The first `limit` bytes as text, or fewer if there is a zero byte: Redis quotes C strings.
pub(crate) fn clipped(word: &[u8], limit: usize) -> String {
    let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(&word[..word.len().min(limit)]).into_owned()
}

/// Bytes that are no request; the connection is closed after the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum ProtocolError {
    #[error("ERR Protocol error: too big inline request")]
    InlineTooBig,
    #[error("ERR Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    #[error("ERR Protocol error: too big mbulk count string")]
    CountTooBig,
    #[error("ERR Protocol error: invalid multibulk length")]
    InvalidCount,
    /// Closes the connection without a reply.
    #[error("the request is over the limit of the query buffer")]
    QueryTooBig,
    #[error("ERR Protocol error: unauthenticated multibulk length")]
    UnauthenticatedCount,
    #[error("ERR Protocol error: unauthenticated bulk length")]
    UnauthenticatedLength,
    #[error("ERR Protocol error: too big bulk count string")]
    LengthTooBig,
    #[error("ERR Protocol error: invalid bulk length")]
    InvalidLength,
    #[error("ERR Protocol error: expected '$', got '{}'", char::from(*.0))]
    ExpectedBulk(u8),
}
