//! The command line tool: the only place that prints, exits, and installs signal handlers.

mod board;
mod generator;
mod interrupts;
mod misuse;
mod ping_command;
mod printer;
mod screen;
mod terminal;
mod up;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use bench::cli::{Cli, StatusFormat};
use bench::cluster::swarm::overview;
use bench::failure::{Ended, Exit, Failure};
use bench::inside;
use bench::plan::{AdvicePlan, Plan, ProbePlan, ReportPlan, ScalePlan, SweepPlan, Told};
use bench::{advise, analyse, compare, probe, record, report, review, scale, session, sweep};
use clap::Parser as _;
use service::launch::launch;
use tokio::time::Instant;

use crate::board::Board;
use crate::interrupts::Interrupts;
use crate::screen::Screen;

/// How long a calculation goes on without a word, and from then on from one word to the next.
const QUIET: Duration = Duration::from_secs(2);
const PROGRESS: Duration = Duration::from_secs(1);
/// Open files without which no command gets anywhere: two runtimes, signals, a connection.
const FILES: usize = 20;
/// Threads that commands start: for signals, for what is printed or drawn, for names.
const THREADS: usize = 3;

fn main() -> ExitCode {
    // `bench service rng ...`: this program as one of the app's services.
    if let Some(code) = run_as_service(std::env::args_os().skip(1).collect()) {
        return code;
    }
    let plan = match Cli::try_parse_from(misuse::arguments(std::env::args_os()))
        .and_then(Plan::try_from)
    {
        Ok(plan) => plan,
        Err(error) => return misuse::misused(error),
    };
    service::launch::raise_file_limit();
    if let Err(missing) = service::preflight::check(FILES, THREADS) {
        anstream::eprintln!("error: {missing}");
        return ExitCode::from(Exit::Internal as u8);
    }
    match run(plan) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("error: {}", redacted::text(&format!("{error:#}")));
            ExitCode::from(code(&error))
        }
    }
}

/// The exit code that tells an error.
fn code(error: &anyhow::Error) -> u8 {
    match (error.downcast_ref::<Ended>(), error.downcast_ref::<Failure>()) {
        (Some(ended), _) => ended.exit,
        (None, Some(failure)) => failure.exit() as u8,
        (None, None) => Exit::Internal as u8,
    }
}

fn run_as_service(arguments: Vec<OsString>) -> Option<ExitCode> {
    let [command, name, ..] = arguments.as_slice() else { return None };
    if command != "service" {
        return None;
    }
    let name = name.to_str()?.to_owned();
    let rest = arguments.into_iter().skip(1);
    match name.as_str() {
        "rng" => Some(launch::<rng::Settings>(rest)),
        "hasher" => Some(launch::<hasher::Settings>(rest)),
        "worker" => Some(launch::<worker::Settings>(rest)),
        "webui" => Some(launch::<webui::Settings>(rest)),
        _ => None,
    }
}

/// Does it; gives the exit code, which some commands have of their own.
fn run(plan: Plan) -> anyhow::Result<u8> {
    // One thread: bench waits, relays and writes down; what works hard are the replicas, which
    // are processes of their own.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Where nothing is real, nobody need wait for it.
    runtime.enable_all().start_paused(plan.is_simulated());
    let runtime = runtime.build()?;
    runtime.block_on(async {
        let interrupts = Interrupts::listen()?;
        match plan {
            // What only calculates has nothing to put back or to print before its end.
            Plan::Advice(_) | Plan::Compare(_) | Plan::CompareLoads(_) | Plan::Report(_) => {
                interrupts.end_at(1);
            }
            Plan::Ping(_) | Plan::Probe(_) | Plan::Load(_) => interrupts.end_at(2),
            _ => {}
        }
        let exit = match plan {
            Plan::Ping(settings) => return ping_command::run(*settings, &interrupts).await,
            Plan::Up { setup, replicas } => up::up(&setup, replicas, interrupts).await?,
            Plan::Scale(plan) => scale(&plan, interrupts).await?,
            Plan::Sweep(plan) => sweep(&plan, interrupts).await?,
            Plan::Probe(plan) => probe(&plan, &interrupts).await?,
            Plan::Advice(plan) => advice(plan).await?,
            Plan::Report(plan) => tell(&plan)?,
            Plan::Load(settings) => generator::load(&settings, &interrupts).await?,
            Plan::CompareLoads(settings) => generator::compare(&settings)?,
            Plan::Compare(plan) => {
                let comparison = compare::run(&plan)?;
                print(&report::compare::render(&comparison, plan.output))?;
                compare::exit(&comparison)
            }
            Plan::Inside(inside) => {
                let mut write = |lines: &str| {
                    let mut out = std::io::stdout().lock();
                    out.write_all(lines.as_bytes()).and_then(|()| out.flush())
                };
                tokio::select! {
                    ended = inside::run(&inside, &mut write) => ended?,
                    () = interrupts.nth(1) => {}
                }
                Exit::Done
            }
            Plan::Status { swarm, output } => {
                let overview = tokio::select! {
                    overview = overview::look(&swarm) => overview?,
                    () = interrupts.nth(1) => return Err(Failure::Interrupted.into()),
                };
                print(&report::status::render(&overview, output))?;
                Exit::Done
            }
        };
        Ok(exit as u8)
    })
}

/// Calculates, and shows how far it is where that takes a while.
async fn advice(plan: AdvicePlan) -> anyhow::Result<Exit> {
    let output = plan.output;
    let mut found = tokio::task::spawn_blocking(move || advise::run(&plan));
    let mut ticks = tokio::time::interval_at(Instant::now() + QUIET, PROGRESS);
    let advice = loop {
        tokio::select! {
            found = &mut found => break found??,
            _ = ticks.tick() => {
                let thousands = model::simulated_loops() / 1000;
                anstream::eprintln!("planning: {thousands} thousand loops simulated so far");
            }
        }
    };
    print(&report::advice::render(&advice, output))?;
    Ok(advise::exit(&advice))
}

async fn scale(plan: &ScalePlan, interrupts: Interrupts) -> anyhow::Result<Exit> {
    let mut screen = Screen::new();
    let stop = session::Stop { interrupted: interrupts.nth(1), hurried: interrupts.nth(2) };
    let outcome = scale::run(plan, stop, &mut |progress| screen.show(&progress)).await;
    screen.close();
    let findings = outcome.findings;
    if !findings.steps.is_empty() {
        print(&report::render(&findings, plan.output))?;
    }
    match outcome.failure {
        Some(failure) => Err(failure.into()),
        None if findings.conclusive() => Ok(Exit::Done),
        None => Ok(Exit::Inconclusive),
    }
}

async fn sweep(plan: &SweepPlan, interrupts: Interrupts) -> anyhow::Result<Exit> {
    let mut screen = Screen::new();
    let stop = session::Stop { interrupted: interrupts.nth(1), hurried: interrupts.nth(2) };
    let outcome = sweep::run(plan, stop, &mut |progress| screen.show(&progress)).await;
    screen.close();
    if let Some(findings) = &outcome.findings {
        print(&report::sweep::render(findings, plan.output))?;
    }
    match (outcome.failure, outcome.findings) {
        (Some(failure), _) => Err(failure.into()),
        (None, findings) => Ok(findings.map_or(Exit::Done, |findings| findings.exit())),
    }
}

async fn probe(plan: &ProbePlan, interrupts: &Interrupts) -> anyhow::Result<Exit> {
    let mut board = Board::new();
    let findings = probe::run(plan, interrupts.nth(1), &mut |seen| {
        board.show(|| report::ports::render(&analyse::ports(seen), StatusFormat::Table));
    })
    .await;
    board.clear();
    let findings = findings?;
    print(&report::ports::render(&findings, plan.output))?;
    Ok(probe::exit(plan, &findings))
}

/// Tells a recorded run, or what the findings of one look like.
fn tell(plan: &ReportPlan) -> anyhow::Result<Exit> {
    let text = match &plan.what {
        Told::Schema => report::FINDINGS_SCHEMA.to_owned(),
        Told::Run { from, format } => report::review(&review::read(from)?, *format),
    };
    match &plan.to {
        None => print(&text)?,
        Some(path) => {
            // A file gets no colours.
            let from = match &plan.what {
                Told::Schema => None,
                Told::Run { from, .. } => Some(from.as_path()),
            };
            record::write_report(path, from, &anstream::adapter::strip_str(&text).to_string())?;
            print(&format!("wrote {}\n", path.display()))?;
        }
    }
    Ok(Exit::Done)
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
