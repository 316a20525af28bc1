//! `bench probe`: finds the app's published ports, probes them all, and says where requests queue.
//! It changes nothing, starts nothing, and shows nothing itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use exchange::Url;

use crate::analyse::{self, PortsFindings};
use crate::cli::Threshold;
use crate::cluster::control::{Client, Wanted};
use crate::cluster::swarm::{Found, Swarm};
use crate::cluster::{Cluster, Service, Status};
use crate::failure::{Exit, Failure};
use crate::measure::{Counter, Port, Ports, PortsSeen, Published, Route, Work};
use crate::plan::{Place, ProbePlan};

/// Ports that the app is published on unless somebody chose others.
const USUAL: [(Service, u16); 3] =
    [(Service::Webui, 8000), (Service::Rng, 8001), (Service::Hasher, 8002)];

/// Probes as `plan` says until it is done or told to stop, and shows what was seen after each probe.
///
/// # Errors
/// When there is no app, or none that publishes a port.
pub async fn run(
    plan: &ProbePlan,
    stop: impl Future<Output = ()>,
    show: &mut impl FnMut(&PortsSeen),
) -> Result<PortsFindings, Failure> {
    tokio::pin!(stop);
    let (seen, mut published) = tokio::select! {
        () = &mut stop => return Err(Failure::Interrupted),
        found = find(plan) => found?,
    };
    known(&plan.thresholds, &seen)?;
    let first = counter(&mut published).await;
    let mut ports = Ports::start(seen, &plan.pace)?;
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            more = ports.next() => match more {
                true => show(ports.seen()),
                false => break,
            },
        }
    }
    if let Some((first, last)) = first.zip(counter(&mut published).await) {
        ports.counted(first, last);
    }
    let mut findings = analyse::ports(ports.seen());
    (findings.missed, findings.unjudged) = findings.above(&plan.thresholds);
    Ok(findings)
}

/// webui's counters, where there is a webui that responds.
async fn counter(published: &mut Option<Published>) -> Option<Counter> {
    published.as_mut()?.counter().await.ok()
}

/// Rejects thresholds of services that are not probed.
fn known(thresholds: &[Threshold], seen: &PortsSeen) -> Result<(), Failure> {
    let names: Vec<&str> = seen.ports.iter().map(|probed| &*probed.port.service).collect();
    let unknown = |name: &&String| !names.contains(&name.as_str());
    match thresholds.iter().filter_map(|threshold| threshold.service.as_ref()).find(unknown) {
        Some(name) => Err(Failure::Unknown { name: name.clone(), known: names.join(", ") }),
        None => Ok(()),
    }
}

/// The exit code for what was found. Where thresholds are given, they are the question, and a verdict is not needed.
#[must_use]
pub fn exit(plan: &ProbePlan, findings: &PortsFindings) -> Exit {
    let failed = findings.ports.iter().any(|port| port.failed > 0);
    match findings {
        _ if failed => Exit::Failed,
        PortsFindings { missed, .. } if !missed.is_empty() => Exit::Failed,
        PortsFindings { unjudged, .. } if !unjudged.is_empty() => Exit::Inconclusive,
        PortsFindings { withheld: Some(_), .. } if plan.thresholds.is_empty() => Exit::Inconclusive,
        _ => Exit::Done,
    }
}

/// The ports to probe: those that were named, or those of the app, with the way to its counters.
async fn find(plan: &ProbePlan) -> Result<(PortsSeen, Option<Published>), Failure> {
    if !plan.urls.is_empty() {
        let given = plan.urls.iter().map(|(name, url)| Port {
            service: name.clone(),
            url: url.clone(),
            post: false,
            work: Work::of(name, &url.path),
            node: None,
        });
        return Ok((PortsSeen::of("none, URLs as given".to_owned(), given.collect()), None));
    }
    let cluster = match plan.place {
        Place::Swarm => Some(Cluster::Swarm(Box::new(Swarm::find(&plan.swarm).await?))),
        Place::Local => attached(plan.running).await?,
        Place::Either => match Swarm::look_for(&plan.swarm).await {
            Found::Swarm(swarm) => Some(Cluster::Swarm(swarm)),
            Found::Nothing { .. } => attached(plan.running).await?,
        },
    };
    let (seen, published) = match cluster {
        Some(mut cluster) => app(&mut cluster).await?,
        None => usual().await?,
    };
    Ok((seen, Some(published)))
}

async fn attached(running: Wanted) -> Result<Option<Cluster>, Failure> {
    let Some(mut client) = Client::find(running).await? else { return Ok(None) };
    let before = client.status().await?.replicas();
    Ok(Some(Cluster::Attached { client, before }))
}

/// The ports of an app that is known.
async fn app(cluster: &mut Cluster) -> Result<(PortsSeen, Published), Failure> {
    let (description, routes) = (cluster.describe(), cluster.routes().await?);
    let status = cluster.status().await?;
    let Status { webui, rng, hasher, services, .. } = &status;
    let first = |addresses: &[SocketAddr]| addresses.first().copied();
    let published = [
        (Service::Webui, first(webui)),
        (Service::Rng, first(rng)),
        (Service::Hasher, first(hasher)),
    ];
    let ports: Vec<Port> = published
        .into_iter()
        .flat_map(|(service, address)| ports_of(service, address, &routes))
        .collect();
    if ports.is_empty() {
        return Err(Failure::Stack(format!(
            "no port to probe: {description} publishes neither webui nor rng nor hasher"
        )));
    }
    let mut seen = PortsSeen::of(description, ports);
    seen.replicas =
        services.iter().map(|status| (status.service.name().to_owned(), status.wanted)).collect();
    let mut published = Published::at(webui, rng, hasher);
    seen.places = places(&mut published).await;
    Ok((seen, published))
}

/// The ports the app is usually published on, when nothing is known of it: the original app, one of
/// `docker compose`, or one that `bench scale` runs.
async fn usual() -> Result<(PortsSeen, Published), Failure> {
    let here = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let mut open = BTreeMap::new();
    for (service, port) in USUAL {
        if tokio::net::TcpStream::connect(here(port)).await.is_ok() {
            open.insert(service, here(port));
        }
    }
    if open.is_empty() {
        return Err(Failure::NoApp);
    }
    let ports = USUAL
        .into_iter()
        .flat_map(|(service, _)| ports_of(service, open.get(&service).copied(), &[]))
        .collect();
    let mut seen = PortsSeen::of("whatever answers on ports 8000 to 8002 here".to_owned(), ports);
    let at = |service| open.get(&service).copied().into_iter().collect::<Vec<_>>();
    let mut published = Published::at(&at(Service::Webui), &at(Service::Rng), &at(Service::Hasher));
    seen.places = places(&mut published).await;
    Ok((seen, published))
}

/// The paths of a service that tell something: without work on every node, with work at one address.
fn ports_of(service: Service, address: Option<SocketAddr>, routes: &[Route]) -> Vec<Port> {
    let port = |address: SocketAddr, path: &str, work, node: Option<&String>| Port {
        service: service.name().to_owned(),
        url: Url {
            scheme: exchange::Scheme::Http,
            host: address.ip().to_string(),
            port: address.port(),
            path: path.to_owned(),
            login: None,
        },
        post: service == Service::Hasher && work == Work::Full,
        work,
        node: node.cloned(),
    };
    let own: Vec<&Route> = routes.iter().filter(|route| route.service == service).collect();
    let mut ports: Vec<Port> =
        own.iter().map(|route| port(route.address, "/", Work::None, route.to.as_ref())).collect();
    let Some(address) = own.first().map(|route| route.address).or(address) else { return ports };
    if ports.is_empty() {
        ports.push(port(address, "/", Work::None, None));
    }
    let node = own.first().and_then(|route| route.to.as_ref());
    match service {
        Service::Rng => ports.push(port(address, "/32", Work::Full, node)),
        Service::Hasher => ports.push(port(address, "/", Work::Full, node)),
        Service::Webui | Service::Worker => {}
    }
    ports
}

/// How many requests at a time the stations work on, as far as they tell.
async fn places(published: &mut Published) -> BTreeMap<String, u32> {
    let stations = published.stations().await;
    [(Service::Rng, stations.rng), (Service::Hasher, stations.hasher)]
        .into_iter()
        .filter_map(|(service, station)| Some((service.name().to_owned(), station?.concurrency?)))
        .collect()
}
