//! `docs/scenarios.md` is made from the table of parameters; this says whether it still is.
//!
//! `TIX_WRITE_DOCS=1 cargo test --test scenarios_page` writes it anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::path::Path;

use tix::simulate::scenario::{Kind, PARAMETERS, Parameter, SHIPPED};

const HEAD: &str = "\
# Scenarios

What a rehearsal is like is data: a TOML file names what differs from the default, and each parameter
is an option of `tix simulate`, which counts more. Spans are buyer time; files give them in seconds,
options also as `90s`, `15m` or `1h30m`. Shares are parts of 1. `tix simulate --scenario NAME` rehearses
one that comes with `tix`, `--scenario FILE` one of yours.

";

const MIDDLE: &str = "
Options that are not given leave a parameter as the scenario has it. A file that names something
unknown or has a parameter out of its bounds is refused, with the line of each fault.

| parameter | option | default | bounds | meaning |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_page_of_scenarios_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenarios.md");
    if std::env::var_os("TIX_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let current = std::fs::read_to_string(&path).unwrap() == page();
    assert!(current, "write it anew: TIX_WRITE_DOCS=1 cargo test --test scenarios_page");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (name, text) in SHIPPED {
        let file = format!("[`{name}`](../fixtures/scenarios/{name}.toml)");
        writeln!(page, "- {file}: {}", first_sentence(text)).unwrap();
    }
    page.push_str(MIDDLE);
    for parameter in PARAMETERS {
        writeln!(page, "{}", row(parameter)).unwrap();
    }
    page
}

/// What the comment at the head of a scenario file says first.
fn first_sentence(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let comment = comment.collect::<Vec<_>>().join(" ");
    let end = comment.find(". ").unwrap_or(comment.len() - 1);
    format!("{}.", &comment[..end])
}

fn row(parameter: &Parameter) -> String {
    let unit = match parameter.kind {
        Kind::Parties => "as one option: SIZE:SHARE with commas between".to_owned(),
        _ => parameter.bounds().unwrap(),
    };
    let default = parameter.default().unwrap_or_default();
    format!(
        "| `{}` | `--{}` | {default} | {unit} | {} |",
        parameter.name,
        parameter.option(),
        parameter.about
    )
}
