//! What a mix must show: a page that moves, counters that agree with hasher, and no error.

use std::net::SocketAddr;

use app_tests::mix::{Kind, Service};
use app_tests::{Ended, eventually, http};
use sha2::{Digest as _, Sha256};

use crate::store;

/// Loops of the original's worker between two counts: a loop takes 0.3 s at least, a count is due after 1 s.
const UNCOUNTED: u64 = 4;

/// Waits until `/json` has moved to `enough` loops or more, and looks at the page.
pub(crate) async fn page_moves(webui: SocketAddr, enough: u64) {
    let mut seen = Vec::new();
    eventually(&format!("{enough} hashes on the page"), async || {
        let reply = http::get(webui, "/json").await.ok()?;
        assert_eq!(reply.status, 200, "{reply:?}");
        let json = reply.json();
        // JavaScript writes a whole second without a fraction.
        assert!(json["coins"].is_u64() && json["now"].is_number(), "{json}");
        assert!(json["hashes"].is_string() || json["hashes"].is_null(), "{json}");
        let hashes = json["hashes"].as_str().map_or(0, |text| text.parse().unwrap());
        if seen.last() != Some(&hashes) {
            seen.push(hashes);
        }
        (hashes >= enough && seen.len() > 1).then_some(())
    })
    .await;
    assert!(seen.is_sorted(), "the counter went back: {seen:?}");

    let root = http::get(webui, "/").await.unwrap();
    assert_eq!((root.status, root.header("Location")), (302, Some("/index.html")), "{root:?}");
    let page = http::get(webui, "/index.html").await.unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.header("Content-Type").unwrap().starts_with("text/html"), "{page:?}");
    assert!(page.text().contains("DockerCoins"), "{page:?}");
}

/// Each service ended as it was stopped to, and has complained of nothing.
pub(crate) fn nothing_failed(ended: &[(Service, Kind, Ended)]) {
    for (service, kind, ended) in ended {
        let name = service.name();
        let complaints: &[&str] = match kind {
            Kind::Ours => {
                assert_eq!(ended.code, Some(0), "{kind} {name}: {ended:?}");
                &["WARN", "ERROR", "panicked"]
            }
            // Flask warns of its own server; thin and node have no levels.
            Kind::Theirs => &["rror", "ERROR", "Traceback", "Exception"],
        };
        let lines = ended.stdout.lines().chain(ended.stderr.lines());
        let complaint = |line: &&str| complaints.iter().any(|word| line.contains(word));
        let found: Vec<&str> = lines.filter(complaint).collect();
        assert!(found.is_empty(), "{kind} {name} complains: {found:#?}");
    }
}

/// The counter is the hasher's good responses, but for the loop under way and, of the original's worker, what it had
/// not counted yet; every coin is one.
pub(crate) async fn as_many_as_hasher_made(redis: SocketAddr, good: u64, worker: Kind) {
    let hashes = store::hashes(redis).await;
    let lost = match worker {
        Kind::Ours => 0,
        Kind::Theirs => UNCOUNTED,
    };
    let under_way = 1;
    assert!(
        hashes <= good && good <= hashes + lost + under_way,
        "hasher made {good} hashes, {worker} worker counted {hashes}"
    );
    let wallet = store::wallet(redis).await;
    assert!(wallet.len() as u64 <= good, "{} coins of {good} hashes", wallet.len());
    for (hash, bytes) in wallet {
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert!(hash == digest && hash.starts_with('0') && bytes.len() == 32, "{hash}: {bytes:?}");
    }
}
