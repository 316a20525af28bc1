//! A process that may open too few files says so, with what to do.

use std::process::Command;

use exchange::{Failure, Kind, Route};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::server::{connected, listening, to};

/// Tells this test that it is the process with the limit, and only that.
const LIMITED: &str = "EXCHANGE_TEST_WITH_FEW_DESCRIPTORS";

/// The limit is a process's own, so the test starts itself once more.
#[tokio::test]
async fn too_few_descriptors_are_said() {
    if std::env::var_os(LIMITED).is_some() {
        return limited().await;
    }
    let test = "descriptors::too_few_descriptors_are_said";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test]).env(LIMITED, "").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

async fn limited() {
    let address = listening(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(40), ..before }).unwrap();
    let mut connections = Vec::new();
    let failure = loop {
        match connected(&to(address)).await.0 {
            Ok(connection) => connections.push(connection),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure, Failure::Descriptors);
    assert_eq!(failure.kind(), Kind::Descriptors);
    assert!(failure.to_string().contains("ulimit -n"));
    // Names cannot be looked up either, for the same reason.
    let named = Route::to(format!("localhost:{}", address.port()).parse().unwrap());
    assert_eq!(connected(&named).await.0.unwrap_err(), Failure::Descriptors);
}
