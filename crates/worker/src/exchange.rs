//! What is sent to Redis and how its replies are read: each must be of the very kind that its
//! command is answered with. A reply of another kind belongs to another command, or to no honest
//! Redis, and nothing that came over that connection can be believed any more.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, Pipeline, RedisError, Value};

use crate::account::Hashes;

/// Why Redis did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// No connection, or none any more.
    #[error("{0}")]
    Connection(#[from] RedisError),
    /// Redis's own words.
    #[error("{0}")]
    Refused(String),
    /// A reply that does not fit its command.
    #[error("reply to {command} is {reply}")]
    Malformed { command: &'static str, reply: String },
    /// Others changed what is watched, each time it was tried.
    #[error("its transaction was overtaken")]
    Overtaken,
}

impl Trouble {
    /// The kind it is counted under.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Connection(error) if error.is_timeout() => "timeout",
            Self::Connection(error) if error.is_connection_refusal() => "connect",
            Self::Connection(error) if error.is_connection_dropped() || error.is_io_error() => {
                "closed"
            }
            Self::Connection(error) if error.kind() == ErrorKind::Parse => "malformed",
            Self::Connection(_) | Self::Refused(_) => "refused",
            Self::Malformed { .. } => "malformed",
            Self::Overtaken => "overtaken",
        }
    }
}

/// The replies to commands that were sent together.
#[derive(Debug)]
pub(crate) struct Replies(std::vec::IntoIter<Value>);

/// A value that a command may also have refused to give.
pub(crate) type Answered<T> = Result<T, String>;

impl Replies {
    /// Sends all commands at once and waits for the replies.
    pub(crate) async fn to(
        commands: &Pipeline,
        connection: &mut MultiplexedConnection,
    ) -> Result<Self, Trouble> {
        let replies = connection.send_packed_commands(commands, 0, commands.len()).await?;
        Ok(Self(replies.into_iter()))
    }

    /// The only reply to a command that was sent alone.
    pub(crate) fn one(reply: Value) -> Self {
        Self(vec![reply].into_iter())
    }

    /// The replies inside of `EXEC`'s; `None` if a watched key was changed.
    pub(crate) fn transaction(&mut self, commands: usize) -> Result<Option<Self>, Trouble> {
        self.status("MULTI", &Value::Okay)?;
        let queued = Value::SimpleString("QUEUED".to_owned());
        for _ in 0..commands {
            self.status("a queued command", &queued)?;
        }
        match self.next()? {
            Value::Nil => Ok(None),
            Value::Array(replies) if replies.len() == commands => {
                Ok(Some(Self(replies.into_iter())))
            }
            other => Err(unfit("EXEC", &other)),
        }
    }

    /// `+OK`.
    pub(crate) fn ok(&mut self, command: &'static str) -> Result<(), Trouble> {
        self.status(command, &Value::Okay)
    }

    /// A number, or an error of Redis.
    pub(crate) fn number(&mut self, command: &'static str) -> Result<Answered<i64>, Trouble> {
        match self.next()? {
            Value::Int(number) => Ok(Ok(number)),
            Value::ServerError(error) => Ok(Err(words(&error))),
            other => Err(unfit(command, &other)),
        }
    }

    /// `N` strings, `None` where there is none.
    pub(crate) fn texts<const N: usize>(
        &mut self,
        command: &'static str,
    ) -> Result<[Option<Vec<u8>>; N], Trouble> {
        let values = match self.next()? {
            Value::Array(values) => values,
            other => return Err(unfit(command, &other)),
        };
        let texts = values.into_iter().map(|value| match value {
            Value::Nil => Ok(None),
            Value::BulkString(text) => Ok(Some(text)),
            other => Err(unfit(command, &other)),
        });
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        texts.try_into().map_err(|texts: Vec<_>| Trouble::Malformed {
            command,
            reply: format!("{} values", texts.len()),
        })
    }

    /// What `GET hashes` says.
    pub(crate) fn hashes(&mut self) -> Result<Hashes, Trouble> {
        match self.next()? {
            Value::Nil => Ok(Hashes::read(None)),
            Value::BulkString(text) => Ok(Hashes::read(Some(&text))),
            Value::ServerError(error) if error.code() == "WRONGTYPE" => {
                Ok(Hashes::Unusable(words(&error)))
            }
            other => Err(unfit("GET hashes", &other)),
        }
    }

    fn status(&mut self, command: &'static str, expected: &Value) -> Result<(), Trouble> {
        match self.next()? {
            reply if reply == *expected => Ok(()),
            other => Err(unfit(command, &other)),
        }
    }

    fn next(&mut self) -> Result<Value, Trouble> {
        let missing = || Trouble::Malformed { command: "a command", reply: "missing".to_owned() };
        self.0.next().ok_or_else(missing)
    }
}

fn unfit(command: &'static str, reply: &Value) -> Trouble {
    match reply {
        Value::ServerError(error) => Trouble::Refused(words(error)),
        // Not the text itself, which may be long and anything.
        Value::BulkString(text) => {
            Trouble::Malformed { command, reply: format!("a string of {} bytes", text.len()) }
        }
        Value::Array(values) => {
            Trouble::Malformed { command, reply: format!("an array of {}", values.len()) }
        }
        other => Trouble::Malformed { command, reply: format!("{other:?}") },
    }
}

/// An error as Redis wrote it.
fn words(error: &redis::ServerError) -> String {
    match error.details() {
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(values: Vec<Value>) -> Replies {
        Replies(values.into_iter())
    }

    fn queued() -> Value {
        Value::SimpleString("QUEUED".to_owned())
    }

    #[test]
    fn a_transaction_is_read_only_if_every_reply_is_in_its_place() {
        let good = || vec![Value::Okay, queued(), Value::Array(vec![Value::Int(7)])];
        let mut inner = replies(good()).transaction(1).unwrap().unwrap();
        assert_eq!(inner.number("INCRBY").unwrap(), Ok(7));
        let overtaken = vec![Value::Okay, queued(), Value::Nil];
        assert!(replies(overtaken).transaction(1).unwrap().is_none());
        let mut doubled = good();
        doubled.insert(0, Value::Okay);
        let missing = good().split_off(1);
        let short = vec![Value::Okay, queued(), Value::Array(Vec::new())];
        let status = vec![Value::Okay, queued(), Value::Okay];
        for wrong in [doubled, missing, short, status, Vec::new()] {
            let shown = format!("{wrong:?}");
            let read = replies(wrong).transaction(1);
            assert!(matches!(read, Err(Trouble::Malformed { .. })), "{shown}");
        }
    }

    #[test]
    fn numbers_are_numbers() {
        for wrong in [Value::Nil, Value::Okay, Value::BulkString(b"7".to_vec())] {
            let mut replies = replies(vec![Value::Array(Vec::new()), wrong]);
            assert!(matches!(replies.number("INCRBY"), Err(Trouble::Malformed { .. })));
            assert!(matches!(replies.number("INCRBY"), Err(Trouble::Malformed { .. })));
        }
    }

    #[test]
    fn hashes_is_a_number_or_cannot_be_added_to() {
        let text = |text: &[u8]| replies(vec![Value::BulkString(text.to_vec())]).hashes().unwrap();
        assert_eq!(text(b"-5"), Hashes::Number(-5));
        assert_eq!(replies(vec![Value::Nil]).hashes().unwrap(), Hashes::Missing);
        for wrong in [&b""[..], b" 5", b"+5", b"05", b"-0", b"5.0", b"\xff", b"9223372036854775808"]
        {
            assert!(matches!(text(wrong), Hashes::Unusable(_)), "{wrong:?}");
        }
    }
}
