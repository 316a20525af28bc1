//! Which of a swarm's services are the app's: by the stack's labels and names, or as the user
//! named them. Pure.

use std::collections::BTreeMap;

use bollard::models::{
    EndpointPortConfigPublishModeEnum as Mode, Service as Description, TaskSpecContainerSpec,
};

use crate::cluster::Service;

/// The label `docker stack deploy` puts on everything of a stack.
pub(super) const STACK_LABEL: &str = "com.docker.stack.namespace";
/// The label that says which of the app's services one is, whatever its name.
pub(super) const SERVICE_LABEL: &str = "dockercoins.service";

/// Variables with which a service is told the name of its replica.
const REPLICA_VARIABLES: [&str; 4] =
    ["WORKER_REPLICA", "RNG_REPLICA", "HASHER_REPLICA", "WEBUI_REPLICA"];

/// One of the app's services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) name: String,
    /// `None` in global mode: one on each node.
    pub(super) replicas: Option<u32>,
    /// Port published for the service's port 80, and whether on each node or the task's only.
    pub(super) published: Option<Published>,
    pub(super) image: String,
    /// Ids of the networks its containers are on.
    pub(super) networks: Vec<String>,
    /// Template of the name each replica goes by, where that is not the host name the engine gives.
    pub(super) replica_template: Option<String>,
}

/// A published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// 0 where each task has its own.
    pub(super) port: u16,
    /// Through the routing mesh, on every node; else on the nodes of the tasks.
    pub(super) ingress: bool,
}

/// The app's services of a stack.
pub(super) type Members = BTreeMap<Service, Member>;

/// Services that the user named: `--service rng=NAME`.
pub type Named = BTreeMap<Service, String>;

/// Finds the app's services among those of `stack` and those that were named.
///
/// # Errors
/// A sentence when one is missing.
pub(super) fn members(
    descriptions: &[Description],
    stack: &str,
    named: &Named,
) -> Result<Members, String> {
    let wanted = [Service::Worker, Service::Rng, Service::Hasher, Service::Webui];
    let found = wanted.map(|service| {
        let description = descriptions.iter().find(|description| match named.get(&service) {
            Some(name) => is_called(description, name, stack),
            None => is_member(description, stack, service),
        });
        (service, description.and_then(member))
    });
    let missing: Vec<_> = found.iter().filter(|(_, found)| found.is_none()).collect();
    if missing.is_empty() {
        return Ok(found.into_iter().filter_map(|(s, member)| Some((s, member?))).collect());
    }
    Err(missing_sentence(
        descriptions,
        stack,
        named,
        &missing.iter().map(|(s, _)| *s).collect::<Vec<_>>(),
    ))
}

/// Whether a service has the name the user gave, with or without the stack's.
fn is_called(description: &Description, name: &str, stack: &str) -> bool {
    let own = name_of(description);
    own == name
        || label(description, STACK_LABEL) == Some(stack)
            && own.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_')) == Some(name)
}

fn is_member(description: &Description, stack: &str, service: Service) -> bool {
    if label(description, STACK_LABEL) != Some(stack) {
        return false;
    }
    match label(description, SERVICE_LABEL) {
        Some(labelled) => labelled == service.name(),
        None => name_of(description) == format!("{stack}_{}", service.name()),
    }
}

fn missing_sentence(
    descriptions: &[Description],
    stack: &str,
    named: &Named,
    missing: &[Service],
) -> String {
    if let Some((service, name)) = missing.iter().find_map(|s| Some((s, named.get(s)?))) {
        let there: Vec<_> = descriptions.iter().map(name_of).collect();
        return format!(
            "no service '{name}' in this swarm (--service {}={name}); there are: {}",
            service.name(),
            or_none(&there)
        );
    }
    if !stacks(descriptions).iter().any(|name| name == stack) {
        return no_stack(descriptions, stack);
    }
    let absent: Vec<_> = missing.iter().map(|service| service.name()).collect();
    format!(
        "stack '{stack}' has no {}; name its services with --service {}=NAME",
        absent.join(" and no "),
        absent.first().unwrap_or(&"rng")
    )
}

/// That there is no such stack, with those there are.
pub(super) fn no_stack(descriptions: &[Description], stack: &str) -> String {
    let stacks = stacks(descriptions);
    format!(
        "no stack '{stack}' in this swarm (stacks: {}); deploy it with `docker stack deploy -c \
         stack.yml {stack}`, or name another with --stack",
        or_none(&stacks.iter().map(String::as_str).collect::<Vec<_>>())
    )
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}

/// Every stack's name, sorted.
fn stacks(descriptions: &[Description]) -> Vec<String> {
    let names = descriptions.iter().filter_map(|description| label(description, STACK_LABEL));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What is needed of a service; `None` for a job, or one without an id.
pub(super) fn member(description: &Description) -> Option<Member> {
    let spec = description.spec.as_ref()?;
    let mode = spec.mode.as_ref()?;
    let replicas = match (&mode.replicated, &mode.global) {
        (Some(replicated), _) => Some(u32::try_from(replicated.replicas.unwrap_or(1)).ok()?),
        (None, Some(_)) => None,
        (None, None) => return None,
    };
    let template = spec.task_template.as_ref()?;
    let container = template.container_spec.as_ref()?;
    let networks = template.networks.as_ref().or(spec.networks.as_ref());
    let networks = networks.into_iter().flatten().filter_map(|network| network.target.clone());
    Some(Member {
        id: description.id.clone()?,
        name: spec.name.clone()?,
        replicas,
        published: published(description),
        image: container.image.clone().unwrap_or_default(),
        networks: networks.collect(),
        replica_template: replica_template(container),
    })
}

/// The replica's name as its environment gives it (`RNG_REPLICA` and so on), or its host name.
fn replica_template(container: &TaskSpecContainerSpec) -> Option<String> {
    let mut variables = container.env.iter().flatten().filter_map(|line| line.split_once('='));
    let given = variables.find(|(name, _)| REPLICA_VARIABLES.contains(name));
    let given = given.map(|(_, value)| value);
    let given = given.or(container.hostname.as_deref());
    given.filter(|template| !template.is_empty()).map(str::to_owned)
}

/// The port published for port 80, or the only one.
fn published(description: &Description) -> Option<Published> {
    let asked = description.spec.as_ref()?.endpoint_spec.as_ref()?.ports.as_ref()?;
    let given = description.endpoint.as_ref().and_then(|endpoint| endpoint.ports.as_ref());
    let port = asked.iter().find(|port| port.target_port == Some(80)).or_else(|| asked.first())?;
    let ingress = port.publish_mode != Some(Mode::HOST);
    // The engine chooses a port for the mesh where none was asked for.
    let chosen = given.into_iter().flatten().find(|other| other.target_port == port.target_port);
    let number = port.published_port.filter(|number| *number > 0);
    let number = number.or_else(|| chosen?.published_port).unwrap_or(0);
    Some(Published { port: u16::try_from(number).ok()?, ingress })
}

fn name_of(description: &Description) -> &str {
    description.spec.as_ref().and_then(|spec| spec.name.as_deref()).unwrap_or_default()
}

fn label<'a>(description: &'a Description, key: &str) -> Option<&'a str> {
    let labels = description.spec.as_ref()?.labels.as_ref()?;
    labels.get(key).map(String::as_str)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A service as the engine describes it.
    pub(in crate::cluster::swarm) fn described(name: &str, extra: &str) -> Description {
        let text = format!(
            r#"{{"ID":"id-{name}","Version":{{"Index":7}},"Spec":{{"Name":"shop_{name}",
            "Labels":{{"com.docker.stack.namespace":"shop"}},"Mode":{{"Replicated":{{"Replicas":3}}}},
            "TaskTemplate":{{"ContainerSpec":{{"Image":"r/{name}:1"}}}}{extra}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn four() -> Vec<Description> {
        ["worker", "rng", "hasher", "webui"].map(|name| described(name, "")).into()
    }

    #[test]
    fn services_are_found_by_stack_and_name() {
        let found = members(&four(), "shop", &Named::new()).unwrap();
        assert_eq!(found.len(), 4);
        let rng = &found[&Service::Rng];
        assert_eq!((rng.name.as_str(), rng.replicas), ("shop_rng", Some(3)));
        assert_eq!(rng.published, None);
    }

    #[test]
    fn a_label_or_the_user_says_which_is_which() {
        let mut services = four();
        let spec = services[1].spec.as_mut().unwrap();
        spec.name = Some("shop_random".to_owned());
        let unnamed = members(&services, "shop", &Named::new()).unwrap_err();
        assert!(unnamed.contains("has no rng"), "{unnamed}");
        for name in ["shop_random", "random"] {
            let named = Named::from([(Service::Rng, name.to_owned())]);
            assert_eq!(
                members(&services, "shop", &named).unwrap()[&Service::Rng].name,
                "shop_random"
            );
        }
        let spec = services[1].spec.as_mut().unwrap();
        spec.labels.as_mut().unwrap().insert(SERVICE_LABEL.to_owned(), "rng".to_owned());
        assert!(members(&services, "shop", &Named::new()).is_ok());
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there() {
        let said = |stack: &str, named: &Named| members(&four(), stack, named).unwrap_err();
        let error = said("dockercoins", &Named::new());
        assert!(error.contains("stacks: shop") && error.contains("stack deploy"), "{error}");
        let error = said("shop", &Named::from([(Service::Rng, "rnd".to_owned())]));
        assert!(error.contains("'rnd'") && error.contains("shop_rng"), "{error}");
    }

    #[test]
    fn published_ports_are_those_of_port_80() {
        let port = |extra: &str| {
            let ports = format!(r#","EndpointSpec":{{"Ports":[{{"TargetPort":80{extra}}}]}}"#);
            member(&described("rng", &ports)).unwrap().published
        };
        let mesh = r#","PublishedPort":8001,"PublishMode":"ingress""#;
        assert_eq!(port(mesh), Some(Published { port: 8001, ingress: true }));
        let own = r#","PublishMode":"host""#;
        assert_eq!(port(own), Some(Published { port: 0, ingress: false }));
    }
}
