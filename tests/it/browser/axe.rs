//! What axe-core says of a page.

use serde::Deserialize;
use serde_json::Value;

use super::driver::Browser;

const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/axe/axe_playwright_python/axe.min.js");

/// Only what hinders people: axe calls that serious or critical.
const RUN: &str = "
    const done = arguments[0];
    const options = { resultTypes: ['violations'], preload: false };
    axe.run(document, options).then(
      ({ violations }) => done({ problems: violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, help, nodes }) =>
        ({ rule: `${id}: ${help}`, nodes: nodes.map(({ html, failureSummary }) => `${html}\\n    ${failureSummary}`) })) }),
      (reason) => done({ failed: String(reason) }),
    );";

#[derive(Debug, Deserialize)]
struct Problem {
    rule: String,
    nodes: Vec<String>,
}

impl Browser {
    /// Whether everyone can use the page as it is.
    pub async fn is_accessible(&self, what: &str) {
        if !self.js::<bool>("return 'axe' in window", &[]).await {
            let source = std::fs::read_to_string(AXE).expect("axe must be there: run the tests with `make test`");
            self.client.execute(&source, vec![]).await.unwrap();
        }
        let mut answer: Value = self.client.execute_async(RUN, vec![]).await.unwrap();
        let problems = answer["problems"].take();
        let problems: Vec<Problem> = serde_json::from_value(problems).unwrap_or_else(|e| panic!("{what}: {e} in {answer}"));
        for Problem { rule, nodes } in problems {
            self.blame(format!("{what}, {rule}\n  {}", nodes.join("\n  ")));
        }
    }
}
