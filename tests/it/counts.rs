//! What a delivery costs, counted and not timed, so that no later change loses unnoticed what was won: a room delivers batches of
//! two messages to devices that are idle, and Valgrind counts what the program does for that. It is the tests' own build that is
//! counted, without optimisation: what counts is that the figures stay.

use std::process::Command;

use tokio::time::{Duration, sleep};

use crate::support::room::Stage;

const DEVICES: usize = 50;
/// Messages of a batch.
const TOGETHER: usize = 2;
/// Batches of the shorter run; the longer one has so many more.
const BATCHES: usize = 10;
const MORE: usize = 40;
/// How many batches the workload has.
const SIZE: &str = "PNEUMATIC_COUNT_BATCHES";

/// The room, and the hub, and the outboxes, as far as they have no connection.
#[actix_web::test]
#[ignore = "what the other test counts"]
async fn workload() {
    let batches: usize = std::env::var(SIZE).map_or(BATCHES, |size| size.parse().unwrap());
    let stage = Stage::set(1).await;
    let devices: Vec<_> = (0..DEVICES).map(|_| stage.join(1)).collect();
    for batch in 0..batches {
        let rev = (batch * TOGETHER) as i64 + 2;
        stage.publish(&[rev, rev + 1]);
        while devices.last().is_some_and(|device| device.bucket.writes() <= batch) {
            tokio::task::yield_now().await;
        }
        // Then they are idle again, and the next ones are written at once as well.
        sleep(Duration::from_millis(10)).await;
    }
    let heard = devices[0].heard().len();
    assert_eq!(heard, batches * TOGETHER);
    let writes = devices.iter().map(|device| device.bucket.writes());
    assert!(writes.eq([batches; DEVICES]), "what belongs together leaves in one write");
}

/// What Valgrind says of a workload.
fn valgrind(arguments: &[&str], batches: usize) -> String {
    let mut command = Command::new("valgrind");
    command.args(arguments).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "counts::workload", "--ignored", "--test-threads=1"]).env(SIZE, batches.to_string());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    said
}

/// The number after these words.
fn number(said: &str, words: &str) -> f64 {
    let after = said.split(words).nth(1).unwrap_or_else(|| panic!("no {words:?} in {said}"));
    let digits: String =
        after.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
    digits.parse().unwrap()
}

/// What one delivery more costs.
fn each(arguments: &[&str], words: &str) -> f64 {
    let count = |batches| number(&valgrind(arguments, batches), words);
    (count(BATCHES + MORE) - count(BATCHES)) / (MORE * TOGETHER * DEVICES) as f64
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for whoever changes the ceilings")]
fn a_delivery_costs_no_more_than_it_did() {
    let instructions = each(&["--tool=callgrind", "--callgrind-out-file=/dev/null"], "Collected :");
    let allocations = each(&["--tool=dhat", "--dhat-out-file=/dev/null"], "bytes in");
    println!("a delivery: {instructions:.0} instructions, {allocations:.3} allocations");
    assert!(instructions < 7_000.0, "{instructions} instructions");
    assert!(allocations < 0.9, "{allocations} allocations");
}
