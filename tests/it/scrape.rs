//! The door at which Prometheus asks: in which form, and where.

use std::net::SocketAddr;

use reqwest::StatusCode;

use crate::support::{
    eventually,
    figures::Figures,
    person::Person,
    process::{Process, command, output},
    socket::RawSocket,
};

both! {
    async fn formats_by_negotiation(world) {
        let get = async |accept: &str| {
            let answer = world.http.get(world.url("/metrics")).header("accept", accept).send().await.unwrap();
            (answer.headers()["content-type"].to_str().unwrap().to_owned(), answer.text().await.unwrap())
        };
        for accept in ["*/*", "text/plain", "application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.5"] {
            let (kind, text) = get(accept).await;
            assert!(kind.starts_with("text/plain; version=0.0.4") && !text.contains("# EOF"), "{accept}: {kind}");
        }
        for accept in ["application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text"] {
            let (kind, text) = get(accept).await;
            assert!(kind.starts_with("application/openmetrics-text; version=1.0.0") && text.ends_with("# EOF\n"), "{accept}: {kind}");
        }
    }
}

/// `METRICS_ADDRESS`: there, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_listener_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("PORT", "0".to_owned()), ("METRICS_ADDRESS", "127.0.0.1:0".to_owned())];
    let mut server = Process::start(folder.path(), &settings);
    let line = server.next_line();
    let address = line.strip_prefix("Metrics on http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let address: SocketAddr = address.unwrap_or_else(|| panic!("it said {line:?}")).parse().unwrap();
    let http = crate::support::http_client();
    let get = async |address: SocketAddr, path: &str| {
        let answer = http.get(format!("http://{address}{path}")).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("\npneumatic_messages_sent_total 0\n"));
    for path in ["/metrics", "/api/v1/metrics"] {
        assert_eq!(get(server.address, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get(server.address, "/health").await.0, StatusCode::OK);
    for path in ["/health", "/", "/users", "/metrics/"] {
        assert_eq!(get(address, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get(server.address, "/metrics/").await.0, StatusCode::UNAUTHORIZED, "the counters as JSON stay");
    // While it says goodbye to a device that doesn't answer, it can still be watched.
    let ann = Person::sign_up(&http, server.address, "ann").await;
    let device = RawSocket::open(server.address, &ann.access).await;
    server.signal("-TERM");
    eventually("the goodbye is seen", async || {
        let figures = Figures::of(&get(address, "/metrics").await.1);
        figures.get("pneumatic_websocket_closes_total{code=\"1012\",reason=\"server restarting\"}") == 1.0
    })
    .await;
    drop(device);
    assert!(tokio::task::spawn_blocking(move || server.wait()).await.unwrap().success());
    // An address that is taken is said in one line.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = [("PORT", "0".to_owned()), ("METRICS_ADDRESS", taken.local_addr().unwrap().to_string())];
    let output = output(command(folder.path(), &settings));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains("METRICS_ADDRESS"), "{said}");
}
