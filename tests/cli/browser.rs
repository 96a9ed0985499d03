//! The page of `tix simulate --report` as a browser shows it: Chromium without a window.
//!
//! The page is looked at from outside: another one shows it in frames as wide as a desk's screen and
//! a phone, measures it there and writes down what it found.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::sandbox::Sandbox;

/// Where Debian, others, and those who name it have it.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Shows the page in frames of these widths, and says what it looks like in each.
const LOOKING: &str = r#"<!doctype html><meta charset="utf-8">
<iframe src="sale.html" style="width:1000px;height:900px"></iframe>
<iframe src="sale.html" style="width:375px;height:700px"></iframe>
<iframe src="sale.html" style="width:320px;height:700px"></iframe>
<pre id="seen"></pre>
<script>
onload = () => {
  const look = frame => {
    const page = frame.contentDocument, root = page.documentElement;
    const shown = plot => getComputedStyle(plot).display !== 'none';
    const figures = [...page.querySelectorAll('figure')];
    const width = root.clientWidth;
    return {
      width,
      reaches: root.scrollWidth,
      paper: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
      loaded: frame.contentWindow.performance.getEntriesByType('resource').length,
      figures: figures.map(figure => {
        const plots = [...figure.querySelectorAll('svg.plot')].filter(shown);
        const box = plots.length === 1 ? plots[0].getBoundingClientRect() : { width: 0, height: 0 };
        const words = plots.flatMap(plot => [...plot.querySelectorAll('text')]);
        const outside = words.filter(text => {
          const its = text.getBoundingClientRect();
          return its.left < box.left - 1 || its.right > box.right + 1 || its.top < box.top - 1 || its.bottom > box.bottom + 1;
        });
        return {
          title: figure.querySelector('h3').textContent,
          width: box.width, height: box.height,
          label: plots.length === 1 ? plots[0].getAttribute('aria-label') : '',
          caption: figure.querySelector('figcaption').textContent.trim().length,
          words: words.length,
          letters: words.length ? words[0].getBoundingClientRect().height : 0,
          outside: outside.map(text => text.textContent.trim()),
        };
      }),
    };
  };
  const frames = [...document.querySelectorAll('iframe')];
  document.getElementById('seen').textContent = JSON.stringify(frames.map(look));
};
</script>"#;

/// Runs the browser; whatever goes wrong is told.
fn browse(sandbox: &Sandbox, arguments: &[&str], page: &Path) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let run = |browser: &str| {
        Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--enable-logging=stderr"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .current_dir(sandbox.path(""))
            .output()
            .ok()
    };
    let named = std::env::var("TIX_TEST_BROWSER").ok();
    let found = named.as_deref().into_iter().chain(BROWSERS).find_map(run);
    let output = found.expect("a browser: install chromium, or name one in TIX_TEST_BROWSER");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("CONSOLE"), "the browser complains: {told}");
    output
}

fn sandbox_with_page() -> Sandbox {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--virtual-time", "--buyers", "400", "--seats", "150", "-q"];
    sandbox.tix(&[&rehearse[..], &["--seed", "42", "--report", "sale.html"]].concat()).done();
    sandbox.file("looking.html", LOOKING);
    sandbox
}

/// What is seen of the page in each frame.
fn seen(sandbox: &Sandbox, more: &[&str]) -> Vec<Value> {
    let look = ["--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom"];
    let output = browse(sandbox, &[&look[..], more].concat(), &sandbox.path("looking.html"));
    let page = String::from_utf8(output.stdout).unwrap();
    let (_, seen) = page.split_once("<pre id=\"seen\">").unwrap();
    let seen = seen.split_once("</pre>").unwrap().0.replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|e| panic!("{e}: {seen}"))
}

#[test]
fn every_chart_is_seen_on_a_desk_and_on_a_phone() {
    let sandbox = sandbox_with_page();
    let frames = seen(&sandbox, &[]);
    assert_eq!(frames.len(), 3);
    for frame in &frames {
        let (width, reaches) =
            (frame["width"].as_f64().unwrap(), frame["reaches"].as_f64().unwrap());
        assert!(reaches <= width, "the page is {reaches} wide where there is room for {width}");
        assert_eq!(frame["loaded"], 0, "it loads something");
        assert_eq!(frame["paper"], "rgb(255, 255, 255)");
        let figures = frame["figures"].as_array().unwrap();
        assert_eq!(figures.len(), 5, "{figures:#?}");
        for figure in figures {
            let (wide, high) =
                (figure["width"].as_f64().unwrap(), figure["height"].as_f64().unwrap());
            assert!(wide > 0.8 * (width - 80.0).min(760.0) && high > 150.0, "{figure:#}");
            assert!(figure["letters"].as_f64().unwrap() > 9.0, "too small to read: {figure:#}");
            assert!(figure["words"].as_u64().unwrap() >= 6, "axes have marks: {figure:#}");
            assert_eq!(figure["outside"], serde_json::json!([]), "cut off: {figure:#}");
            assert!(figure["label"].as_str().unwrap().len() > 30, "{figure:#}");
            assert!(figure["caption"].as_u64().unwrap() > 60, "{figure:#}");
        }
    }
    let dark = seen(&sandbox, &["--blink-settings=preferredColorScheme=0"]);
    assert_eq!(dark[0]["paper"], "rgb(21, 26, 32)");
    assert_eq!(dark[0]["figures"], frames[0]["figures"], "only colours differ");
}

#[test]
fn it_is_drawn_and_printed() {
    let sandbox = sandbox_with_page();
    let page = sandbox.path("sale.html");
    browse(&sandbox, &["--window-size=900,1400", "--screenshot=light.png"], &page);
    let light = std::fs::read(sandbox.path("light.png")).unwrap();
    assert!(light.starts_with(b"\x89PNG") && light.len() > 30_000, "{} bytes", light.len());
    browse(&sandbox, &["--no-pdf-header-footer", "--print-to-pdf=sale.pdf"], &page);
    let pdf = std::fs::read(sandbox.path("sale.pdf")).unwrap();
    let has = |mark: &[u8]| pdf.windows(mark.len()).filter(|bytes| *bytes == mark).count();
    assert!(pdf.starts_with(b"%PDF"));
    assert!((3..=15).contains(&has(b"/Type /Page\n")), "{} pages", has(b"/Type /Page\n"));
    assert!(has(b"/MediaBox [0 0 594.95996 841.91998]") > 0, "A4");
}
