//! The client library that the services use; must go through its public interface only.

use std::collections::HashMap;

use redis::{Client, Commands, Connection, RedisResult, Value};

use crate::support::Server;

fn connect(server: Server, query: &str) -> Connection {
    Client::open(format!("{}{query}", server.url())).unwrap().get_connection().unwrap()
}

/// What both versions of the protocol have in common.
fn use_all(connection: &mut Connection) -> RedisResult<()> {
    let raw: Vec<u8> = (0..=255).collect();
    assert_eq!(connection.get::<_, Option<i64>>("hashes")?, None);
    assert_eq!(connection.incr::<_, _, i64>("hashes", 7)?, 7);
    assert_eq!(connection.get::<_, Option<String>>("hashes")?.as_deref(), Some("7"));
    assert!(connection.hset::<_, _, _, bool>("wallet", "00ff", &raw[..])?);
    assert_eq!(connection.hget::<_, _, Vec<u8>>("wallet", "00ff")?, raw);
    assert_eq!(connection.hlen::<_, i64>("wallet")?, 1);
    let all: HashMap<String, Vec<u8>> = connection.hgetall("wallet")?;
    assert_eq!(all, HashMap::from([("00ff".to_owned(), raw)]));
    connection.set_ex::<_, _, ()>("observation:1", "x", 100)?;
    assert_eq!(connection.ttl::<_, i64>("observation:1")?, 100);
    let mut keys: Vec<String> =
        connection.scan_match("observation:*")?.collect::<RedisResult<_>>()?;
    keys.sort();
    assert_eq!(keys, ["observation:1"]);
    let error = connection.hget::<_, _, Option<String>>("hashes", "f").unwrap_err();
    assert_eq!(error.code(), Some("WRONGTYPE"));
    Ok(())
}

pub(crate) fn resp2(server: Server) {
    let mut connection = connect(server, "");
    use_all(&mut connection).unwrap();
    let reply: Value = redis::cmd("HGETALL").arg("wallet").query(&mut connection).unwrap();
    assert!(matches!(reply, Value::Array(_)), "{reply:?}");
}

pub(crate) fn resp3(server: Server) {
    let mut connection = connect(server, "?protocol=resp3");
    use_all(&mut connection).unwrap();
    let reply: Value = redis::cmd("HGETALL").arg("wallet").query(&mut connection).unwrap();
    assert!(matches!(reply, Value::Map(_)), "{reply:?}");
}

pub(crate) fn pipelines_and_transactions(server: Server) {
    for query in ["", "?protocol=resp3"] {
        let mut connection = connect(server, query);
        let (hashes, coins): (i64, i64) = redis::pipe()
            .cmd("DEL")
            .arg("hashes")
            .arg("wallet")
            .ignore()
            .incr("hashes", 3)
            .hset("wallet", "0a", "raw")
            .query(&mut connection)
            .unwrap();
        assert_eq!((hashes, coins), (3, 1));
        let (hashes, _): (i64, bool) = redis::pipe()
            .atomic()
            .incr("hashes", 3)
            .expire("hashes", 100)
            .query(&mut connection)
            .unwrap();
        assert_eq!(hashes, 6);
    }
}

/// As the services connect: asynchronously, on one thread, through one shared connection.
pub(crate) fn multiplexed(server: Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let increments = (0..100).map(|_| {
            let mut connection = connection.clone();
            async move { redis::cmd("INCR").arg("n").query_async::<i64>(&mut connection).await }
        });
        let tasks: Vec<_> = increments.map(tokio::spawn).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let total: i64 = redis::cmd("GET").arg("n").query_async(&mut connection).await.unwrap();
        assert_eq!(total, 100);
    });
}
