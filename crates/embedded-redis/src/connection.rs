//! Carries bytes between a socket and the commands; must not know what any command does.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::error::ProtocolError;
use crate::limits::{MAXIMUM_OUTPUT, reply_size};
use crate::redis::Redis;
use crate::reply::{Protocol, Reply};
use crate::request::RequestParser;
use crate::session::{Limit, Session};
use crate::transport::sealed::Stream;

/// While this much waits to be written no further command is done, so that a client that does
/// not read cannot make the replies grow without bound.
const MAXIMUM_UNWRITTEN: usize = 4 * 1024 * 1024;
/// How long a client that is one too many is given to take the refusal.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// A large output buffer is not kept once it is written.
const KEPT_OUTPUT: usize = 64 * 1024;
/// How much unread input is thrown away on closing.
const DISCARDED_ON_CLOSE: usize = 1024 * 1024;

/// Serves one connection until the client leaves, an error or a fault ends it.
pub(crate) async fn run(mut stream: impl Stream, redis: Redis) {
    let Ok(peer) = stream.peer() else {
        return; // it has left already
    };
    let mut disconnects = redis.faults().disconnects();
    let Some(registration) = redis.register(&peer) else {
        let refusal = Reply::Error("ERR max number of clients reached".to_owned());
        let mut output = BytesMut::new();
        refusal.write(Protocol::default(), &mut output);
        let (_, mut writer) = stream.halves();
        // There is room for it in any new socket; a client that has left does not want it.
        timeout(REFUSAL_TIME, writer.write_all_buf(&mut output)).await.ok();
        return;
    };
    let address = peer.monitor_name;
    let mut connection = Connection {
        session: Session::new(registration.id, address.clone(), redis.password()),
        login_until: redis.login_timeout().map(|timeout| Instant::now() + timeout),
        redis,
        parser: RequestParser::default(),
        output: BytesMut::new(),
        monitor: None,
    };
    tokio::select! {
        _ = disconnects.changed() => {}
        result = connection.serve(&mut stream) => match result {
            Ok(()) => discard_input(&stream),
            Err(error) => tracing::debug!(%error, %address, "connection to Redis ended"),
        }
    }
}

/// Closing a socket with unread input resets the connection, and a reset can overtake the last
/// reply. Takes what is there, without waiting for more.
fn discard_input(stream: &impl Stream) {
    let mut discarded = [0; 4096];
    let mut total = 0;
    while total < DISCARDED_ON_CLOSE {
        match stream.read_now(&mut discarded) {
            Ok(length) if length > 0 => total += length,
            _ => return,
        }
    }
}

struct Connection {
    redis: Redis,
    session: Session,
    parser: RequestParser,
    output: BytesMut,
    monitor: Option<broadcast::Receiver<Bytes>>,
    /// When a client that has not logged in is disconnected.
    login_until: Option<Instant>,
}

impl Connection {
    /// Reads, does and answers. Reading goes on while replies are being written, since a client
    /// may send a whole pipeline before it reads the first reply.
    async fn serve(&mut self, stream: &mut impl Stream) -> io::Result<()> {
        let (mut reader, mut writer) = stream.halves();
        loop {
            let drained = match self.execute_arrived(&mut writer).await? {
                ControlFlow::Continue(drained) => drained,
                ControlFlow::Break(()) => {
                    let overdue = self.overdue();
                    let last = async {
                        writer.write_all_buf(&mut self.output).await?;
                        writer.shutdown().await
                    };
                    tokio::select! {
                        () = overdue => return Ok(()),
                        ended = last => return ended,
                    }
                }
            };
            let writable = !self.output.is_empty();
            let room = self.output.len() < MAXIMUM_UNWRITTEN;
            let overdue = self.overdue();
            tokio::select! {
                read = reader.read_buf(self.parser.buffer()), if drained => {
                    if read? == 0 {
                        return writer.write_all_buf(&mut self.output).await;
                    }
                }
                written = writer.write_buf(&mut self.output), if writable => {
                    written?;
                    self.shrink_output();
                }
                () = overdue => return Ok(()),
                line = next_line(&mut self.monitor), if room => match line {
                    Some(line) => self.output.extend_from_slice(&line),
                    None => return Ok(()),
                }
            }
        }
    }

    /// Does the requests that have arrived whole. Continues with whether none of them is left,
    /// which is not so when the replies need to be written first. Breaks to close.
    async fn execute_arrived(
        &mut self,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<ControlFlow<(), bool>> {
        while self.output.len() < MAXIMUM_UNWRITTEN {
            self.parser.unauthenticated = !self.session.authenticated;
            let request = match self.parser.next_request() {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(ControlFlow::Continue(true)),
                Err(ProtocolError::QueryTooBig) => {
                    self.session.close_over(Limit::Query);
                    return Ok(ControlFlow::Break(()));
                }
                Err(error) => {
                    Reply::from(error).write(self.session.protocol, &mut self.output);
                    return Ok(ControlFlow::Break(()));
                }
            };
            let faults = self.redis.faults();
            let dropped = request.first().is_some_and(|name| faults.take_drop(name));
            let reply = self.redis.execute(&mut self.session, request);
            if dropped {
                return Ok(ControlFlow::Break(()));
            }
            let delay = faults.reply_delay();
            if !delay.is_zero() {
                writer.write_all_buf(&mut self.output).await?;
                sleep(delay).await;
            }
            if self.output.len() + reply_size(&reply) > MAXIMUM_OUTPUT {
                self.session.close_over(Limit::Output);
                return Ok(ControlFlow::Break(()));
            }
            reply.write(self.session.protocol, &mut self.output);
            if self.session.closing {
                return Ok(ControlFlow::Break(()));
            }
            self.follow_monitor();
        }
        Ok(ControlFlow::Continue(false))
    }

    /// Waits until a client that has not logged in has had its time; for ever for others.
    fn overdue(&self) -> impl Future<Output = ()> + use<> {
        let until = self.login_until.filter(|_| !self.session.authenticated);
        async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    fn follow_monitor(&mut self) {
        if self.session.monitoring != self.monitor.is_some() {
            self.monitor = self.session.monitoring.then(|| self.redis.monitor());
        }
    }

    fn shrink_output(&mut self) {
        if self.output.is_empty() && self.output.capacity() > KEPT_OUTPUT {
            self.output = BytesMut::new();
        }
    }
}

/// The next line for a client in `MONITOR`; never for others, and none for one that lags so far
/// behind that lines were lost.
async fn next_line(monitor: &mut Option<broadcast::Receiver<Bytes>>) -> Option<Bytes> {
    match monitor {
        None => std::future::pending().await,
        Some(receiver) => receiver.recv().await.ok(),
    }
}
