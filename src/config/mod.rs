//! Settings: environment variables and nothing else (a `.env` file counts as such). All that is wrong is
//! reported at once, in one line each that says what to set.

mod reader;
mod traces;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;

use self::reader::Reader;
use crate::{
    backplane::Place,
    limits::Quotas,
    store::{DatabaseUrl, Pools},
    telemetry::{LogFormat, Traces},
};

/// One setting, as the documentation and `--help` show it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What holds when it isn't set.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($name:ident = $default:literal, $meaning:literal;)*) => {
        $(const $name: &str = stringify!($name);)*

        /// Every variable that is read.
        pub const SETTINGS: &[Setting] = &[$(Setting { name: $name, default: $default, meaning: $meaning }),*];
    };
}

settings! {
    HOST = "127.0.0.1", "Address to listen on.";
    PORT = "8000", "Port to listen on; 0 takes a free one.";
    DATA_DIR = "./data", "Folder for the SQLite file and the signing key; made if absent.";
    DATABASE_URL = "SQLite in DATA_DIR", "`postgres://user:password@host/database`, or `sqlite://path/to/file.db`.";
    DATABASE_READERS = "8", "Connections that read from the database side by side.";
    DATABASE_WRITERS = "2", "Transactions that write to PostgreSQL side by side; SQLite has one.";
    REDIS_URL = "none", "Redis through which nodes on one PostgreSQL hear each other: `redis://host:6379`, or `rediss://` over TLS. One server of a Redis Cluster leads to all of it; some may be named with commas between.";
    REDIS_PREFIX = "pneumatic", "What names in Redis begin with, alike on all nodes.";
    SECRET_KEY = "a file in DATA_DIR", "Signs tokens, at least 32 characters; required with PostgreSQL and in production.";
    ENVIRONMENT = "development", "`development` or `production`.";
    ALLOWED_ORIGINS = "none", "Origins, separated by commas, whose pages may call and open sockets besides our own.";
    TRUSTED_PROXIES = "none", "Networks, separated by commas (`10.0.0.0/8`), whose `X-Forwarded-For` or `Forwarded` is believed.";
    TLS_CERT = "none", "PEM file with the certificate chain; with `TLS_KEY` the server speaks TLS itself.";
    TLS_KEY = "none", "PEM file with the certificate's private key.";
    RATE_LIMIT_PER_MINUTE = "60", "Requests a minute for each user, or address without login; 0 switches it off.";
    RATE_LIMIT_PER_HOUR = "1000", "Requests an hour for the same; 0 switches it off.";
    RATE_LIMIT_AUTH_PER_MINUTE = "30", "Calls of `/auth/*` a minute for the same; 0 switches it off, and the waits after wrong passwords.";
    WS_MESSAGES_PER_MINUTE = "60", "Messages a minute that each user may send over sockets; 0 switches it off.";
    WS_TYPING_PER_MINUTE = "10", "Signs of typing a minute for the same; 0 switches it off.";
    WS_PINGS_PER_MINUTE = "30", "Pings a minute for the same; 0 switches it off.";
    MAX_CONNECTIONS = "16000", "Connections open at a time; each takes a file descriptor, and two until it is a WebSocket.";
    MAX_CONNECTIONS_PER_ADDRESS = "1000", "Connections open at a time from one address; 0 switches it off.";
    ACCESS_TOKEN_EXPIRE_MINUTES = "15", "How long an access token is good.";
    REFRESH_TOKEN_EXPIRE_DAYS = "7", "How long a refresh token is good, and so how long a login lasts unused.";
    ALLOW_GUESTS = "false", "`true` lets guests in without a password: by `POST /auth/guest`, or in FastChat's dialect.";
    GUEST_TTL = "24", "Hours after which a guest who hasn't come back is forgotten.";
    PRESENCE_GRACE = "10", "Seconds for which somebody without a device still counts as online.";
    HEARTBEAT_TIMEOUT = "60", "Seconds of silence after which a device is given up.";
    SHUTDOWN_TIMEOUT = "25", "Seconds that a stop may take, from the signal to the exit.";
    METRICS_ADDRESS = "none", "`ip:port` of a listener of its own for `/metrics`, which is then nowhere else; port 0 takes a free one.";
    WORKERS = "one per core", "HTTP worker threads.";
    RUST_LOG = "warn,pneumatic=info", "What is logged, in the syntax of tracing's EnvFilter.";
    LOG_FORMAT = "pretty", "`pretty` lines for people, or `json`, one object a line.";
    OTEL_EXPORTER_OTLP_ENDPOINT = "none", "Collector to send traces to, such as http://127.0.0.1:4318.";
    OTEL_TRACES_EXPORTER = "otlp with an endpoint, else none", "`otlp`, `console` (standard output, for development) or `none`.";
    OTEL_SERVICE_NAME = "pneumatic", "What the service is called in traces.";
    DISABLE_TRACING = "0", "`1` exports no traces, whatever else is set.";
}

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Everything that can be set, parsed.
#[derive(Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on.
    pub port: u16,
    /// Folder for what is kept on disk.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: DatabaseUrl,
    /// How many connections it gets.
    pub pools: Pools,
    /// How other nodes are reached; none: there are none.
    pub redis: Option<Place>,
    /// The signing key; none: one is kept in `data_dir`.
    pub secret_key: Option<String>,
    /// Origins besides our own.
    pub allowed_origins: Vec<String>,
    /// Who is believed when he says for whom he calls.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate chain and key; none: no TLS.
    pub tls: Option<TlsFiles>,
    /// How much a client may ask.
    pub quotas: Quotas,
    /// Connections open at a time.
    pub max_connections: usize,
    /// The same from one address; 0 is no bound.
    pub max_connections_per_address: usize,
    /// Life of an access token.
    pub access_life: chrono::Duration,
    /// Life of a refresh token.
    pub refresh_life: chrono::Duration,
    /// Whether guests are let in.
    pub guests: bool,
    /// How long a guest who doesn't come back is kept.
    pub guest_life: chrono::Duration,
    /// How long somebody without a device still counts as online.
    pub presence_grace: Duration,
    /// Silence after which a device is given up.
    pub heartbeat: Duration,
    /// How long a stop may take.
    pub shutdown: Duration,
    /// Where `/metrics` is served instead of among everything else.
    pub metrics_address: Option<SocketAddr>,
    /// HTTP worker threads.
    pub workers: usize,
    /// The log filter.
    pub log_filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where traces go; none: nowhere.
    pub traces: Option<Traces>,
}

/// All that is wrong with the settings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the process's environment, and a `.env` file in the working folder for what isn't set there.
    ///
    /// # Errors
    /// [`ConfigError`] with a line for everything that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        match dotenvy::dotenv() {
            Ok(_) => {}
            Err(error) if error.not_found() => {}
            Err(error) => return Err(ConfigError(vec![format!("the .env file can't be read: {error}")])),
        }
        Self::from_lookup(&|name| std::env::var(name).ok())
    }

    /// Reads from anywhere.
    ///
    /// # Errors
    /// [`ConfigError`] with a line for everything that is wrong.
    pub fn from_lookup(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut read = Reader { get, errors: Vec::new() };
        let host = read.parsed(HOST, "an IP address, such as 127.0.0.1 or 0.0.0.0", IpAddr::from([127, 0, 0, 1]));
        let port = read.parsed(PORT, "a port number from 0 to 65535", 8000);
        let data_dir = PathBuf::from(read.text(DATA_DIR).unwrap_or_else(|| "./data".into()));
        let embedded = DatabaseUrl::Sqlite(data_dir.join("pneumatic.db"));
        let database = match read.text(DATABASE_URL).map(|url| url.parse()) {
            None => embedded,
            Some(Ok(url)) => url,
            Some(Err(reason)) => {
                read.errors.push(format!("{DATABASE_URL} {reason}"));
                embedded
            }
        };
        let pools =
            Pools { readers: read.whole(DATABASE_READERS, 4, 1_000, 8), writers: read.whole(DATABASE_WRITERS, 1, 100, 2) };
        let prefix = read.text(REDIS_PREFIX).unwrap_or_else(|| "pneumatic".into());
        let redis = match read.text(REDIS_URL).map(|url| Place::parse(&url, prefix)) {
            None => None,
            Some(Ok(_)) if matches!(database, DatabaseUrl::Sqlite(_)) => {
                read.errors.push(format!("{REDIS_URL} joins nodes on one PostgreSQL: set {DATABASE_URL} to it"));
                None
            }
            Some(Ok(place)) => Some(place),
            Some(Err(reason)) => {
                read.errors.push(format!("{REDIS_URL} {reason}"));
                None
            }
        };
        let production = match read.text(ENVIRONMENT).as_deref() {
            None | Some("development") => false,
            Some("production") => true,
            Some(_) => {
                read.errors.push(format!("{ENVIRONMENT} must be development or production"));
                false
            }
        };
        let secret_key = read.text(SECRET_KEY);
        let hint = "set it to at least 32 random characters, for example the output of: openssl rand -hex 32";
        match &secret_key {
            Some(key) if key.chars().count() < 32 => read.errors.push(format!("{SECRET_KEY} is too short: {hint}")),
            None if production => read.errors.push(format!("{SECRET_KEY} is required in production: {hint}")),
            None if matches!(database, DatabaseUrl::Postgres(_)) => {
                read.errors.push(format!("{SECRET_KEY} is required with PostgreSQL: {hint}"));
            }
            _ => {}
        }
        let origins = read.text(ALLOWED_ORIGINS).unwrap_or_default();
        let allowed_origins: Vec<String> =
            origins.split(',').map(|origin| origin.trim().trim_end_matches('/').to_owned()).filter(|o| !o.is_empty()).collect();
        for origin in &allowed_origins {
            let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if authority.is_none_or(|authority| authority.is_empty() || authority.contains('/')) {
                read.errors.push(format!("{ALLOWED_ORIGINS} must list origins such as https://chat.example.org, not {origin}"));
            }
        }
        let mut trusted_proxies = Vec::new();
        for proxy in read.text(TRUSTED_PROXIES).unwrap_or_default().split(',').map(str::trim).filter(|proxy| !proxy.is_empty()) {
            match proxy.parse::<IpNet>().or_else(|_| proxy.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => trusted_proxies.push(network),
                Err(_) => read.errors.push(format!("{TRUSTED_PROXIES} must list networks such as 10.0.0.0/8, not {proxy}")),
            }
        }
        let tls = match (read.text(TLS_CERT), read.text(TLS_KEY)) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.into(), key: key.into() }),
            (None, None) => None,
            _ => {
                read.errors.push(format!("{TLS_CERT} and {TLS_KEY} must be set together"));
                None
            }
        };
        let quotas = Quotas {
            per_minute: read.whole(RATE_LIMIT_PER_MINUTE, 0, 1_000_000, 60),
            per_hour: read.whole(RATE_LIMIT_PER_HOUR, 0, 100_000_000, 1_000),
            auth_per_minute: read.whole(RATE_LIMIT_AUTH_PER_MINUTE, 0, 1_000_000, 30),
            socket_messages: read.whole(WS_MESSAGES_PER_MINUTE, 0, 1_000_000, 60),
            socket_typing: read.whole(WS_TYPING_PER_MINUTE, 0, 1_000_000, 10),
            socket_pings: read.whole(WS_PINGS_PER_MINUTE, 0, 1_000_000, 30),
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u32;
        let config = Self {
            host,
            port,
            data_dir,
            database,
            pools,
            redis,
            secret_key,
            allowed_origins,
            trusted_proxies,
            tls,
            quotas,
            max_connections: read.whole(MAX_CONNECTIONS, 1, 1_000_000, 16_000) as usize,
            max_connections_per_address: read.whole(MAX_CONNECTIONS_PER_ADDRESS, 0, 1_000_000, 1_000) as usize,
            access_life: chrono::Duration::minutes(read.whole(ACCESS_TOKEN_EXPIRE_MINUTES, 1, 24 * 60, 15).into()),
            refresh_life: chrono::Duration::days(read.whole(REFRESH_TOKEN_EXPIRE_DAYS, 1, 365, 7).into()),
            guests: read.flag(ALLOW_GUESTS),
            guest_life: chrono::Duration::hours(read.whole(GUEST_TTL, 1, 24 * 365, 24).into()),
            presence_grace: Duration::from_secs(read.whole(PRESENCE_GRACE, 0, 3_600, 10).into()),
            heartbeat: Duration::from_secs(read.whole(HEARTBEAT_TIMEOUT, 1, 3_600, 60).into()),
            shutdown: Duration::from_secs(read.whole(SHUTDOWN_TIMEOUT, 1, 3_600, 25).into()),
            metrics_address: read.optional(METRICS_ADDRESS, "an address and port, such as 127.0.0.1:9100"),
            workers: read.whole(WORKERS, 1, 512, cores) as usize,
            log_filter: read.text(RUST_LOG).unwrap_or_else(|| "warn,pneumatic=info".into()),
            log_format: read.parsed(LOG_FORMAT, "pretty or json", LogFormat::Pretty),
            traces: traces::read(&mut read),
        };
        if read.errors.is_empty() { Ok(config) } else { Err(ConfigError(read.errors)) }
    }
}

/// Without the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Exporter;

    fn with(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let vars: Vec<(String, String)> = vars.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Config::from_lookup(&move |name| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = with(&[]).unwrap();
        assert_eq!((config.host.to_string().as_str(), config.port), ("127.0.0.1", 8000));
        assert_eq!(config.database, DatabaseUrl::Sqlite("./data/pneumatic.db".into()));
        assert!(config.secret_key.is_none());
    }

    #[test]
    fn a_secret_is_required_where_it_matters() {
        for vars in [&[("DATABASE_URL", "postgres://u:p@h/d")], &[("ENVIRONMENT", "production")]] {
            let ConfigError(errors) = with(vars).unwrap_err();
            assert!(errors.len() == 1 && errors[0].starts_with("SECRET_KEY is required"), "{errors:?}");
        }
        assert!(with(&[("ENVIRONMENT", "production"), ("SECRET_KEY", &"x".repeat(32))]).is_ok());
        assert!(with(&[("SECRET_KEY", "short")]).is_err());
    }

    #[test]
    fn all_errors_come_at_once() {
        let wrong = [
            ("PORT", "x"),
            ("HOST", "here"),
            ("HEARTBEAT_TIMEOUT", "0"),
            ("DATABASE_URL", "mysql://x"),
            ("ALLOWED_ORIGINS", "*"),
            ("METRICS_ADDRESS", "9100"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("TLS_CERT", "cert.pem"),
            ("RATE_LIMIT_PER_MINUTE", "-1"),
            ("MAX_CONNECTIONS", "0"),
            ("ALLOW_GUESTS", "perhaps"),
            ("GUEST_TTL", "0"),
            ("PRESENCE_GRACE", "-1"),
            ("LOG_FORMAT", "xml"),
            ("DISABLE_TRACING", "perhaps"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ];
        let ConfigError(errors) = with(&wrong).unwrap_err();
        assert_eq!(errors.len(), wrong.len(), "{errors:?}");
        assert!(wrong.iter().all(|(name, _)| errors.iter().any(|error| error.starts_with(name))));
    }

    #[test]
    fn traces_go_where_they_are_sent() {
        let to = |vars: &[(&str, &str)]| with(vars).unwrap().traces.map(|traces| traces.exporter);
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        assert_eq!(to(&[]), None);
        assert_eq!(to(&[endpoint]), Some(Exporter::Otlp));
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h/v1/traces")]), Some(Exporter::Otlp));
        assert_eq!(to(&[("OTEL_TRACES_EXPORTER", "otlp")]), Some(Exporter::Otlp));
        assert_eq!(to(&[endpoint, ("OTEL_TRACES_EXPORTER", "console")]), Some(Exporter::Console));
        assert_eq!(to(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(to(&[("DISABLE_TRACING", "1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h")]), None);
        for wrong in ["https://h:4318", "h:4318", "http://", "grpc://h"] {
            let ConfigError(errors) = with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", wrong)]).unwrap_err();
            assert!(errors.len() == 1 && errors[0].starts_with("OTEL_EXPORTER_OTLP_ENDPOINT must be"), "{errors:?}");
        }
    }
}
