//! Writes replies in the protocol version the client asked for; must not decide what to reply.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{CommandError, ProtocolError};

/// The version of the protocol a connection speaks: 2 until `HELLO 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

impl Protocol {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// One reply, in the terms of version 3; version 2 flattens what it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Bytes),
    /// Text for people. A plain bulk string in version 2.
    Text(String),
    Null,
    /// Where an array was asked for: differs from `Null` in version 2 only.
    NullArray,
    Array(Vec<Reply>),
    /// A flat array of keys and values in version 2.
    Map(Vec<(Reply, Reply)>),
    /// No reply at all, before the connection is closed.
    Nothing,
}

impl Reply {
    pub(crate) const OK: Self = Self::Simple("OK");

    /// 1 or 0.
    pub(crate) fn truth(truth: bool) -> Self {
        Self::Integer(i64::from(truth))
    }

    pub(crate) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    pub(crate) fn bulk_or_null(value: Option<Bytes>) -> Self {
        value.map_or(Self::Null, Self::Bulk)
    }

    pub(crate) fn bulks(values: impl IntoIterator<Item = Bytes>) -> Self {
        Self::Array(values.into_iter().map(Self::Bulk).collect())
    }

    pub(crate) fn text_bulk(text: impl Into<String>) -> Self {
        Self::Bulk(Bytes::from(text.into()))
    }

    pub(crate) fn write(&self, protocol: Protocol, output: &mut BytesMut) {
        match self {
            Self::Nothing => {}
            Self::Simple(text) => write_line(output, b'+', text.as_bytes()),
            Self::Error(text) => write_line(output, b'-', one_line(text).as_bytes()),
            Self::Integer(number) => write_number(output, b':', *number),
            Self::Bulk(bytes) => write_bulk(output, bytes),
            Self::Text(text) => write_text(protocol, output, text),
            Self::Null => write_null(protocol, output, b"$-1\r\n"),
            Self::NullArray => write_null(protocol, output, b"*-1\r\n"),
            Self::Array(items) => {
                write_length(output, b'*', items.len());
                for item in items {
                    item.write(protocol, output);
                }
            }
            Self::Map(entries) => {
                match protocol {
                    Protocol::Resp2 => write_length(output, b'*', entries.len() * 2),
                    Protocol::Resp3 => write_length(output, b'%', entries.len()),
                }
                for (key, value) in entries {
                    key.write(protocol, output);
                    value.write(protocol, output);
                }
            }
        }
    }
}

impl From<CommandError> for Reply {
    fn from(error: CommandError) -> Self {
        Self::Error(error.to_string())
    }
}

impl From<ProtocolError> for Reply {
    fn from(error: ProtocolError) -> Self {
        Self::Error(error.to_string())
    }
}

/// An error may quote what the client sent, and must not let that end the line.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

fn write_line(output: &mut BytesMut, kind: u8, text: &[u8]) {
    output.put_u8(kind);
    output.put_slice(text);
    output.put_slice(b"\r\n");
}

fn write_number(output: &mut BytesMut, kind: u8, number: i64) {
    write_line(output, kind, number.to_string().as_bytes());
}

fn write_length(output: &mut BytesMut, kind: u8, length: usize) {
    write_line(output, kind, length.to_string().as_bytes());
}

fn write_bulk(output: &mut BytesMut, bytes: &[u8]) {
    write_length(output, b'$', bytes.len());
    output.put_slice(bytes);
    output.put_slice(b"\r\n");
}

fn write_text(protocol: Protocol, output: &mut BytesMut, text: &str) {
    match protocol {
        Protocol::Resp2 => write_bulk(output, text.as_bytes()),
        Protocol::Resp3 => {
            write_length(output, b'=', text.len() + 4);
            output.put_slice(b"txt:");
            output.put_slice(text.as_bytes());
            output.put_slice(b"\r\n");
        }
    }
}

fn write_null(protocol: Protocol, output: &mut BytesMut, resp2: &[u8]) {
    output.put_slice(match protocol {
        Protocol::Resp2 => resp2,
        Protocol::Resp3 => b"_\r\n",
    });
}
