//! A Redis that answers, but will not do something: a key of a wrong type, a counter that is full,
//! a server that may only be read. Nothing is lost, nothing is counted twice, and the log has Redis's
//! own words.

use observation::COUNTED_KEY;

use crate::{FAST, Server, Store, Worker, eventually, read_or_not};

/// rng, hasher, and a worker that has counted something in `store`.
async fn app(flags: &[&str], store: &Store) -> (Server, Server, Worker) {
    let (rng, hasher) = (Server::good(), Server::good());
    let flags = [&FAST[..], flags].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), store, &flags);
    store.goes_on(5).await;
    (rng, hasher, worker)
}

impl Store {
    /// Moves the counter away, and puts something in its place.
    async fn replace_hashes(&self, words: &[&str]) -> u64 {
        let mut both = redis::pipe();
        both.atomic().cmd("GET").arg("hashes").cmd("DEL").arg("hashes").ignore();
        both.cmd(words[0]).arg(&words[1..]).ignore();
        let (before,): (u64,) = both.query_async(&mut self.connection().await).await.unwrap();
        before
    }

    /// Puts the counter back.
    async fn restore_hashes(&self, hashes: u64) {
        let _: u64 = self.ask(&["DEL", "hashes"]).await;
        let _: u64 = self.ask(&["INCRBY", "hashes", &hashes.to_string()]).await;
    }

    /// What the worker's note says.
    async fn note(&self) -> u64 {
        let keys = self.keys().await;
        let key = keys.iter().find(|key| key.starts_with(COUNTED_KEY)).unwrap();
        self.ask(&["GET", key]).await
    }
}

/// Goes on for a while with `hashes` replaced by what `words` write, and then with it restored.
async fn survives(words: &[&str], lost_replies: usize, error: &str) {
    read_or_not(async |store| survives_in(&store, words, lost_replies, error).await).await;
}

async fn survives_in(store: &Store, words: &[&str], lost_replies: usize, error: &str) {
    let (_rng, hasher, worker) = app(&[], store).await;
    let kept = store.replace_hashes(words).await;
    if lost_replies > 0 {
        store.faults.drop_replies_to("EXEC", lost_replies);
    }
    let what = "the note is as before";
    // It had moved with the first addition that failed.
    let restored = async || (store.note().await == kept).then_some(());
    let before = hasher.count();
    eventually("twenty loops", async || (hasher.count() > before + 20).then_some(())).await;
    eventually(what, restored).await;
    store.faults.clear();
    store.restore_hashes(kept).await;
    store.goes_on(20).await;
    let ended = worker.stop().await;
    assert_eq!(store.hashes().await, ended.loops(), "{}", ended.log);
    // Within ten seconds after a lost reply no other failure is logged.
    let logged = if lost_replies > 0 { "redis fails" } else { error };
    let is_warning = |line: &&str| line.contains(" WARN ") && line.contains(" failures=");
    let mut warnings = ended.log.lines().filter(is_warning);
    assert!(warnings.any(|line| line.contains(logged)), "{logged}: {}", ended.log);
    assert!(!ended.log.contains("away"), "{}", ended.log);
}

#[tokio::test]
async fn a_counter_of_a_wrong_type_loses_no_loop() {
    survives(&["HSET", "hashes", "f", "v"], 0, "WRONGTYPE Operation against a key").await;
}

#[tokio::test]
async fn a_counter_that_is_no_number_loses_no_loop() {
    survives(&["SET", "hashes", "many"], 0, "ERR value is not an integer").await;
    survives(&["SET", "hashes", "+5"], 0, "ERR value is not an integer").await;
}

#[tokio::test]
async fn a_counter_that_is_full_loses_no_loop() {
    survives(&["SET", "hashes", "9223372036854775807"], 0, "would overflow").await;
}

#[tokio::test]
async fn a_counter_of_a_wrong_type_loses_no_loop_when_replies_are_lost_as_well() {
    survives(&["HSET", "hashes", "f", "v"], 3, "WRONGTYPE").await;
}

#[tokio::test]
async fn a_counter_that_is_full_loses_no_loop_when_replies_are_lost_as_well() {
    survives(&["SET", "hashes", "9223372036854775807"], 3, "would overflow").await;
}

#[tokio::test]
async fn coins_are_kept_while_the_wallet_is_of_a_wrong_type() {
    read_or_not(survives_a_stolen_wallet).await;
}

async fn survives_a_stolen_wallet(store: Store) {
    let (_rng, hasher, worker) = app(&[], &store).await;
    eventually("a coin", async || (!store.wallet().await.is_empty()).then_some(())).await;
    let before = store.wallet().await;
    let _: u64 = store.ask(&["DEL", "wallet"]).await;
    let () = store.ask(&["SET", "wallet", "stolen"]).await;
    let (begin, counted) = (hasher.count(), store.hashes().await);
    eventually("some coins", async || (hasher.count() > begin + 64).then_some(())).await;
    // Loops are counted all the same.
    assert!(store.hashes().await > counted + 30);
    let _: u64 = store.ask(&["DEL", "wallet"]).await;
    for (hash, bytes) in &before {
        let mut write = redis::cmd("HSET");
        write.arg("wallet").arg(hash).arg(bytes);
        let () = write.query_async(&mut store.connection().await).await.unwrap();
    }
    store.goes_on(20).await;
    let ended = worker.stop().await;
    assert_eq!(store.hashes().await, ended.loops(), "{}", ended.log);
    assert_eq!(store.wallet().await.len() as u64, ended.coins(), "{}", ended.log);
    assert!(ended.log.contains("WRONGTYPE Operation against a key"), "{}", ended.log);
}

#[tokio::test]
async fn units_of_work_are_logged_about_once_a_second_unless_asked_not_to() {
    for (flags, logged) in [(&["--work-log=true"][..], true), (&["--work-log=false"], false)] {
        let store = Store::start().await;
        let (_rng, _hasher, worker) = app(flags, &store).await;
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        let ended = worker.stop().await;
        let lines = ended.log.lines();
        let units = lines.filter_map(|line| {
            let line = line.strip_suffix(" units of work done, hashes counter incremented")?;
            line.rsplit_once(' ')?.1.parse::<u64>().ok()
        });
        let units: Vec<_> = units.collect();
        assert_eq!(!units.is_empty(), logged, "{}", ended.log);
        if logged {
            assert!((3..=6).contains(&units.len()), "{}", ended.log);
            assert_eq!(units.iter().sum::<u64>(), ended.loops(), "{}", ended.log);
        }
    }
}
