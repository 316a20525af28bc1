//! Changing a service's number of replicas and nothing else of it, even while others change it.

use bollard::models::{ServiceSpecMode, ServiceSpecModeReplicated};
use bollard::query_parameters::{InspectServiceOptions, UpdateServiceOptionsBuilder};

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
    for _ in 0..ATTEMPTS {
        let asked = engine.api().inspect_service(&member.id, None::<InspectServiceOptions>);
        let service = engine.ask(name, asked).await?;
        let (Some(mut spec), Some(version)) =
            (service.spec, service.version.and_then(|version| version.index))
        else {
            return Err(Failure::Swarm(format!("{name}: the engine does not describe it")));
        };
        let now = spec.mode.as_ref().and_then(|mode| mode.replicated.as_ref()?.replicas);
        if now == Some(i64::from(wanted)) {
            return Ok(());
        }
        let replicated = ServiceSpecModeReplicated { replicas: Some(i64::from(wanted)) };
        spec.mode = Some(ServiceSpecMode { replicated: Some(replicated), ..Default::default() });
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let options = UpdateServiceOptionsBuilder::default().version(version).build();
        let updated = engine.api().update_service(&member.id, spec, options, None);
        match engine.ask(name, updated).await {
            Ok(_) => return Ok(()),
            Err(EngineError::Refused(reason)) if reason.contains(OUT_OF_SEQUENCE) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Swarm(format!(
        "{name}: somebody else changes it again and again; {ATTEMPTS} attempts to scale it failed"
    )))
}
