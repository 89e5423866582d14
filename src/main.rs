//! The commands: `serve` (also without a command), `migrate`, `backup`, `restore`, `verify`, `restored`, `user`, `healthcheck`.

mod probe;

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use pneumatic::{
    COMMIT,
    app::{App, make_private},
    config::{Config, SETTINGS},
    domain::clock::Clock,
    operator::{
        accounts::{self, UserCommand},
        keeping::{self, KeepingCommand},
    },
    shutdown,
    telemetry::{self, LogFormat},
};

/// Self-hosted real-time chat.
#[derive(Parser)]
#[command(name = "pneumatic")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the default).
    Serve,
    /// Bring the database's schema up to date, and end.
    Migrate,
    /// Look after what is stored.
    #[command(flatten)]
    Keep(KeepingCommand),
    /// Look after accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Ask the server on HOST and PORT how it is: exit code 0 when it is well.
    Healthcheck,
}

fn main() -> ExitCode {
    let version = format!("{} ({COMMIT})", env!("CARGO_PKG_VERSION"));
    let arguments = Arguments::command().version(version).after_help(settings_help()).get_matches();
    let command = match Arguments::from_arg_matches(&arguments) {
        Ok(arguments) => arguments.command.unwrap_or(Command::Serve),
        Err(error) => error.exit(),
    };
    let mut format = LogFormat::default();
    let outcome = Config::from_env().map_err(|error| error.to_string()).and_then(|config| {
        format = config.log_format;
        match command {
            Command::Serve => actix::System::new().block_on(serve(config)),
            Command::Migrate => actix::System::new().block_on(migrate(config)),
            Command::Keep(command) => actix::System::new().block_on(keep(command, config)),
            Command::User(command) => actix::System::new().block_on(user(command, config)),
            Command::Healthcheck => healthcheck(&config),
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say_error(format, &message);
            ExitCode::FAILURE
        }
    }
}

fn settings_help() -> String {
    let lines: Vec<String> =
        SETTINGS.iter().map(|setting| format!("  {:<28} {} [{}]", setting.name, setting.meaning, setting.default)).collect();
    format!("Environment (a .env file is read as well):\n{}", lines.join("\n"))
}

/// Where a program reads the log, this is a line of it too, if the log was started.
#[allow(clippy::print_stderr)]
fn say_error(format: LogFormat, message: &str) {
    for line in message.lines() {
        if format == LogFormat::Json && tracing::enabled!(tracing::Level::ERROR) {
            tracing::error!(reason = line, "process.failed");
        } else {
            eprintln!("pneumatic: {line}");
        }
    }
}

/// Whoever started us may have stopped reading; that is no reason to end.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

async fn serve(config: Config) -> Result<(), String> {
    let telemetry = telemetry::init(&config.log_filter, config.log_format, config.traces.as_ref())?;
    let outcome = run(&config).await;
    telemetry.finish().await;
    outcome
}

async fn run(config: &Config) -> Result<(), String> {
    let app = App::build(config, Clock::system()).await.map_err(|error| error.to_string())?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    say(&format!("Pneumatic listens on {scheme}://{}", app.address()));
    if let Some(address) = app.metrics_address() {
        say(&format!("Metrics on http://{address}/metrics"));
    }
    let stop = async {
        if let Err(error) = shutdown::requested().await {
            tracing::error!(%error, "shutdown.no_signals");
            std::future::pending::<()>().await;
        }
    };
    app.run(stop).await.map_err(|error| error.to_string())
}

async fn migrate(config: Config) -> Result<(), String> {
    telemetry::init(&config.log_filter, config.log_format, None)?;
    make_data_dir(&config)?;
    config.database.migrate().await.map_err(|error| format!("the database can't be migrated: {error}; check DATABASE_URL"))?;
    say("The schema is up to date.");
    Ok(())
}

async fn keep(command: KeepingCommand, config: Config) -> Result<(), String> {
    telemetry::init(&config.log_filter, config.log_format, None)?;
    if let KeepingCommand::Restore { .. } = command {
        make_data_dir(&config)?;
    }
    keeping::run(command, &config, say).await
}

async fn user(command: UserCommand, config: Config) -> Result<(), String> {
    telemetry::init(&config.log_filter, config.log_format, None)?;
    make_data_dir(&config)?;
    accounts::run(command, &config, say).await
}

/// Makes the folder of the SQLite file, where that is the database.
fn make_data_dir(config: &Config) -> Result<(), String> {
    if let pneumatic::store::DatabaseUrl::Sqlite(file) = &config.database
        && let Some(folder) = file.parent()
    {
        make_private(folder).map_err(|error| format!("{} can't be made: {error}; set DATA_DIR", folder.display()))?;
    }
    Ok(())
}

/// Asks `/health` once, as a container's probe does.
fn healthcheck(config: &Config) -> Result<(), String> {
    let host = match config.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let address = SocketAddr::new(host, config.port);
    let answer = probe::ask(address, config.tls.is_some()).map_err(|error| format!("{address} doesn't answer: {error}"))?;
    if answer == "HTTP/1.1 200" { Ok(()) } else { Err(format!("{address} isn't healthy")) }
}
