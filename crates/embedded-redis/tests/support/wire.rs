//! A raw connection: bytes out, bytes in; must not interpret more of a reply than its length.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::PATIENCE;

/// A connection that shows what is on the wire.
pub(crate) struct Wire {
    stream: TcpStream,
    arrived: Vec<u8>,
}

impl Wire {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap()
    }

    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, arrived: Vec::new() })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// A second handle on the same connection, to send from another thread.
    pub(crate) fn sender(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    /// The bytes of the next reply, exactly.
    pub(crate) fn read_reply(&mut self) -> Vec<u8> {
        loop {
            if let Some(length) = reply_length(&self.arrived) {
                return self.arrived.drain(..length).collect();
            }
            let mut chunk = [0; 16384];
            match self.stream.read(&mut chunk) {
                Ok(0) => panic!("closed after {:?}", String::from_utf8_lossy(&self.arrived)),
                Ok(length) => self.arrived.extend_from_slice(&chunk[..length]),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&self.arrived)),
            }
        }
    }

    /// The next bytes, however many replies they are.
    pub(crate) fn read_exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.arrived);
        assert!(bytes.len() <= length, "more has arrived than was asked for");
        let missing = bytes.len();
        bytes.resize(length, 0);
        self.stream.read_exact(&mut bytes[missing..]).unwrap();
        bytes
    }

    /// All that comes until the server closes. A reset is a way of closing, too.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.arrived);
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => bytes,
        }
    }

    /// The next bytes, whatever they are; none at the end of the connection.
    pub(crate) fn read_some(&mut self) -> Vec<u8> {
        let mut chunk = [0; 16384];
        match self.stream.read(&mut chunk) {
            Ok(length) => chunk[..length].to_vec(),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends one inline command and returns the reply as text.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        String::from_utf8_lossy(&self.read_reply()).into_owned()
    }

    pub(crate) fn expect_each(&mut self, exchanges: &[(&str, &str)]) {
        for (line, expected) in exchanges {
            assert_eq!(self.ask(line), *expected, "{line}");
        }
    }
}

/// A request in the framed form.
pub(crate) fn frame<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.as_ref().len()).as_bytes());
        bytes.extend_from_slice(word.as_ref());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// How long the reply at the start of the bytes is, once it is complete.
fn reply_length(bytes: &[u8]) -> Option<usize> {
    let line_end = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number =
        || -> i64 { std::str::from_utf8(&bytes[1..line_end - 2]).unwrap().parse().unwrap() };
    let nested =
        |count: i64| (0..count).try_fold(line_end, |at, _| Some(at + reply_length(&bytes[at..])?));
    match bytes[0] {
        b'+' | b'-' | b':' | b'_' => Some(line_end),
        b'$' | b'=' => {
            let total = usize::try_from(number()).map_or(line_end, |length| line_end + length + 2);
            (bytes.len() >= total).then_some(total)
        }
        b'*' => nested(number()),
        b'%' => nested(number() * 2),
        other => panic!("no reply starts with {:?}", char::from(other)),
    }
}
