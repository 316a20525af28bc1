//! A swarm of several nodes on this machine, made by `lab/lab`, and stacks on it. Everything goes
//! through the commands a user types: `lab`, `docker` and `bench`.
//!
//! The lab is there already (`scripts/test-lab` makes it); tests share it and its plain stack, one
//! after the other. Each brings about the state it needs and leaves no stack of its own behind. One
//! that fails shows what the lab is like at that moment.

mod evidence;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::http;
use crate::place::program;
use crate::process::{Ended, Process};
use crate::wait::within;

/// The stack that all tests share.
pub const PLAIN: &str = "dockercoins";
/// Where images are said to be from; nobody is asked, as every node has them.
pub const REGISTRY: &str = "127.0.0.1:5000/dockercoins";
/// Longer than any command of the lab takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// The same for `lab heal`: engines that were apart tell each other slowly where containers are.
const HEALING: Duration = Duration::from_mins(3);
/// Settings of the lab that its own commands need.
const SETTINGS: [&str; 3] = ["LAB_NAME", "LAB_DIR", "LAB_SUBNET"];

/// The lab at hand.
#[derive(Debug)]
pub struct Lab {
    settings: Vec<(String, String)>,
    state: PathBuf,
    folder: TempDir,
}

/// A stack that was deployed.
#[derive(Debug)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Where webui is published, if it is.
    pub webui: Option<SocketAddr>,
}

/// How to deploy a stack.
#[derive(Clone, Copy, Debug)]
pub struct Deploy<'a> {
    /// Its name.
    pub name: &'a str,
    /// Variables of `stack.yml`.
    pub variables: &'a [(&'a str, &'a str)],
    /// Further words of `lab deploy`.
    pub words: &'a [&'a str],
}

impl Lab {
    /// The lab whose name and folder are in the environment.
    #[must_use]
    pub fn at_hand() -> Self {
        let settings = SETTINGS.map(|name| {
            let value = std::env::var(name).unwrap_or_else(|_| {
                panic!("{name} is not set: `scripts/test-lab` makes a lab and runs these tests")
            });
            (name.to_owned(), value)
        });
        let state = PathBuf::from(&settings[1].1);
        assert!(
            state.join("lab.conf").is_file(),
            "there is no lab in {}: `scripts/test-lab` makes one and runs these tests",
            state.display()
        );
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self { settings: settings.into(), state, folder }
    }

    /// The lab with every node up and the plain stack running: one replica of each service.
    pub async fn plain() -> (Self, Stack) {
        let lab = Self::at_hand();
        lab.heal().await;
        let stack = lab.deploy(Deploy { name: PLAIN, variables: &[], words: &[] }).await;
        lab.only_one_of_each(&stack).await;
        (lab, stack)
    }

    /// A directory of this test, gone after it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The lab's own directory, which all nodes see.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where the engine of `node` listens.
    #[must_use]
    pub fn engine(&self, node: &str) -> String {
        format!("unix://{}", self.state.join(node).join("docker.sock").display())
    }

    /// Starts `lab` with these words.
    #[must_use]
    pub fn start(&self, words: &[&str], variables: &[(&str, &str)]) -> Process {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let mut command = self.command(&root.join("lab/lab"));
        Process::start(command.args(words).envs(variables.iter().copied()))
    }

    /// Runs `lab` with these words, whatever comes of it.
    pub async fn attempt(&self, words: &[&str]) -> Ended {
        self.start(words, &[]).end_within(PATIENCE).await
    }

    /// Runs `lab` with these words, which must succeed; returns what it printed.
    pub async fn run(&self, words: &[&str]) -> String {
        succeeded(words, self.attempt(words).await)
    }

    /// Ends every power cut and network cut; returns when containers reach each other again.
    pub async fn heal(&self) {
        let words = ["heal"];
        succeeded(&words, self.start(&words, &[]).end_within(HEALING).await);
    }

    /// Runs `docker` on the engine of `node`, which must succeed; returns what it printed.
    pub async fn docker(&self, node: &str, words: &[&str]) -> String {
        self.run(&[&["docker", node][..], words].concat()).await
    }

    /// What `docker inspect` says of a service, task or container.
    pub async fn inspect(&self, node: &str, what: &[&str]) -> Value {
        let text = self.docker(node, &[what, &["--format", "{{json .}}"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Deploys a stack and waits until it runs, unless `--no-wait` is among the words.
    pub async fn deploy(&self, deploy: Deploy<'_>) -> Stack {
        let Deploy { name, variables, words } = deploy;
        let words = [&["deploy", name][..], words].concat();
        succeeded(&words, self.start(&words, variables).end_within(PATIENCE).await);
        let webui = match words.contains(&"--no-wait") {
            true => None,
            false => self.published(&format!("{name}_webui")).await,
        };
        Stack { name: name.to_owned(), webui }
    }

    /// Where the only task of a service that publishes a port of its node is reached.
    async fn published(&self, service: &str) -> Option<SocketAddr> {
        let described = self.inspect("m1", &["service", "inspect", service]).await;
        // The task's own record of its port is lost when its node comes back from a lost swarm.
        let port = described["Endpoint"]["Ports"][0]["PublishedPort"].as_u64()?;
        let task = within(PATIENCE, &format!("a task of {service}"), async || {
            let running = |task: &Value| task["Status"]["State"] == "running";
            self.tasks(service).await.into_iter().find(running)
        })
        .await;
        let node = self.home(&task).await;
        let status = self.run(&["status"]).await;
        let row = status.lines().find(|row| row.split_whitespace().next() == Some(&*node))?;
        let ip = row.split_whitespace().find_map(|word| word.parse().ok())?;
        Some(SocketAddr::new(ip, u16::try_from(port).ok()?))
    }

    /// Deploys a stack that no other test uses, with every node up and nothing left of an earlier
    /// one of that name.
    pub async fn deploy_own(&self, deploy: Deploy<'_>) -> Stack {
        self.heal().await;
        let label = format!("label=com.docker.stack.namespace={}", deploy.name);
        let left = ["service", "ls", "--quiet", "--filter", &label];
        if !self.docker("m1", &left).await.is_empty() {
            self.remove(deploy.name).await;
        }
        self.deploy(deploy).await
    }

    /// Removes a stack, waits until nothing of it is left on any node, and removes its volumes,
    /// which a stack of the same name would find.
    pub async fn remove(&self, stack: &str) {
        self.docker("m1", &["stack", "rm", stack]).await;
        within(Duration::from_mins(1), &format!("the end of {stack}"), async || {
            self.remains(stack).await.is_empty().then_some(())
        })
        .await;
        let volume = format!("{stack}_redis-data");
        for node in self.nodes() {
            self.docker(&node, &["volume", "rm", "--force", &volume]).await;
        }
    }

    /// What there is of a stack: services, tasks, and each node's containers and networks.
    pub async fn remains(&self, stack: &str) -> Vec<String> {
        let label = format!("label=com.docker.stack.namespace={stack}");
        let mut found = Vec::new();
        let services = ["service", "ls", "--format", "service {{.Name}}", "--filter", &label];
        found.push(self.docker("m1", &services).await);
        for node in self.nodes() {
            for words in [
                ["ps", "--all", "--format", "container {{.Names}}"],
                ["network", "ls", "--format", "network {{.Name}}"],
            ] {
                let words = [&words[..], &["--filter", &label]].concat();
                found.push(self.docker(&node, &words).await);
            }
        }
        found.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
    }

    /// The names of all nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.state).expect("the lab's directory").flatten();
        let mut nodes: Vec<_> = entries
            .filter(|entry| entry.path().join("docker.sock").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        nodes.sort_unstable();
        nodes
    }

    /// `bench` with these words, talking to m1.
    #[must_use]
    pub fn bench(&self, words: &[&str]) -> Command {
        let mut command = self.bench_without_engine(words);
        command.env("DOCKER_HOST", self.engine("m1"));
        command
    }

    /// `bench` with these words, told of no engine.
    #[must_use]
    pub fn bench_without_engine(&self, words: &[&str]) -> Command {
        let mut command = self.command(&program());
        command.args(words).current_dir(self.folder());
        command.env("XDG_RUNTIME_DIR", self.folder()).env("HOME", self.folder());
        command
    }

    /// Runs `bench` with these words to its end.
    pub async fn measure(&self, words: &[&str]) -> Ended {
        Process::start(&mut self.bench(words)).end_within(PATIENCE).await
    }

    /// Replicas that a service of a stack asks for, by its name in the stack.
    pub async fn asked(&self, stack: &str, service: &str) -> u64 {
        let name = format!("{stack}_{service}");
        let service = self.inspect("m1", &["service", "inspect", &name]).await;
        service["Spec"]["Mode"]["Replicated"]["Replicas"].as_u64().expect("a replicated service")
    }

    /// The tasks of a service that are to run, each as `docker inspect` describes it.
    pub async fn tasks(&self, service: &str) -> Vec<Value> {
        let words = ["service", "ps", "--quiet", "--no-trunc", "--filter", "desired-state=running"];
        let ids = self.docker("m1", &[&words[..], &[service]].concat()).await;
        let mut tasks = Vec::new();
        for id in ids.lines() {
            tasks.push(self.inspect("m1", &["inspect", id]).await);
        }
        tasks
    }

    /// The name of a task's node.
    pub async fn home(&self, task: &Value) -> String {
        let id = task["NodeID"].as_str().expect("a task that has a node");
        let node = self.inspect("m1", &["node", "inspect", id]).await;
        node["Description"]["Hostname"].as_str().expect("a node's name").to_owned()
    }

    async fn only_one_of_each(&self, stack: &Stack) {
        let begin = Instant::now();
        loop {
            let words = ["stack", "services", "--format", "{{.Name}} {{.Replicas}}", &stack.name];
            let replicas = self.docker("m1", &words).await;
            if replicas.lines().all(|line| line.ends_with(" 1/1")) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "not one replica of each service:\n{replicas}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A command that sees no environment but what is named.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Stack {
    /// The name of one of its services.
    #[must_use]
    pub fn service(&self, service: &str) -> String {
        format!("{}_{service}", self.name)
    }

    /// webui's good answer to `path`, as JSON.
    pub async fn json(&self, path: &str) -> Value {
        let webui = self.webui.expect("a published webui");
        within(PATIENCE, &format!("a good answer of {webui} to {path}"), async || {
            let reply = http::get(webui, path).await.ok()?;
            (reply.status == 200).then(|| reply.json())
        })
        .await
    }

    /// The counter; 0 before the first count.
    pub async fn hashes(&self) -> u64 {
        let json = self.json("/json").await;
        json["hashes"].as_str().map_or(0, |text| text.parse().expect("hashes is a number"))
    }

    /// Waits until the counter is `more` than now.
    pub async fn goes_on(&self, more: u64) {
        let before = self.hashes().await;
        within(PATIENCE, &format!("{more} hashes more"), async || {
            (self.hashes().await >= before + more).then_some(())
        })
        .await;
    }

    /// Waits until `wanted` workers count. It is their loops that tell, since reports of workers that
    /// died stay for a while.
    pub async fn workers_count(&self, wanted: usize) {
        let before = self.loops().await;
        within(PATIENCE, &format!("{wanted} workers that count"), async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let more = |(id, loops): &(String, u64)| before.get(id).copied().unwrap_or(0) < *loops;
            (self.loops().await.into_iter().filter(more).count() >= wanted).then_some(())
        })
        .await;
    }

    /// How many loops each worker has reported, by the id of its report.
    async fn loops(&self) -> BTreeMap<String, u64> {
        let observation = self.json("/api/observation?by=worker").await;
        let workers = observation["workers"].as_array().expect("workers").iter();
        let loops = workers.map(|worker| (&worker["id"], worker["totals"]["loops"].as_u64()));
        loops.map(|(id, loops)| (id.to_string(), loops.expect("a number of loops"))).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            evidence::show(self);
        }
    }
}

fn succeeded(words: &[&str], ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    ended.stdout
}
