//! Changing a service's number of replicas and nothing else of it, even while others change it.

use serde_json::{Value, json};

use super::engine::{Engine, EngineError};
use super::stack::Member;
use crate::failure::Failure;

/// How often a change is tried again when somebody else changed the service in between.
const ATTEMPTS: u32 = 10;
/// What an engine says when the version is not the newest any more.
const OUT_OF_SEQUENCE: &str = "update out of sequence";

/// Sets the number of replicas of `member` to `wanted`.
///
/// # Errors
/// When the engine refuses.
pub(super) async fn scale(engine: &Engine, member: &Member, wanted: u32) -> Result<(), Failure> {
    let name = &member.name;
    let path = format!("/services/{}", member.id);
    for _ in 0..ATTEMPTS {
        // As it came, not through types: what they do not know would be lost, and running tasks
        // be replaced for it.
        let mut service = engine.exchange(name, &path, None).await?;
        let version = service["Version"]["Index"].as_u64();
        let Some(replicas) = service.pointer_mut("/Spec/Mode/Replicated/Replicas") else {
            return Err(Failure::Swarm(format!("{name}: the engine does not say how many it has")));
        };
        if *replicas == json!(wanted) {
            return Ok(());
        }
        *replicas = json!(wanted);
        let update = format!("{path}/update?version={}", version.unwrap_or_default());
        let updated = engine.exchange(name, &update, service.get("Spec"));
        match updated.await {
            Ok(Value::Null | Value::Object(_)) => return Ok(()),
            Ok(other) => return Err(Failure::Swarm(format!("{name}: the engine says {other}"))),
            Err(EngineError::Refused(reason)) if reason.contains(OUT_OF_SEQUENCE) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Swarm(format!(
        "{name}: somebody else changes it again and again; {ATTEMPTS} attempts to scale it failed"
    )))
}
