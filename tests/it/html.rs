//! The HTML report, opened in Chromium: it shows and plays what failed, complains of nothing and asks no network.
//!
//! Passes with a note where Chromium is not installed; `ci/run` installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::prelude::*;
use tempfile::TempDir;

/// The caller should hear a tone for two seconds, and hears it for one, between pauses.
const FAILS: &str = r#"
name: 'a tone </script><img src="http://127.0.0.1:9/x" onerror="alert(1)">'
tags: [audio]
callee: [answer, { play: { tone: 1004Hz, level: 0dBm0, for: 1s } }, { sleep: 500ms }]
caller: [{ wait: { answered: 2s } }, { sleep: 1500ms }]
record: { caller: both }
expect: { audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, level: 0dBm0 +-3dB, for: ">= 2s" } }] }
---
name: passes
callee: [answer]
caller: [{ wait: { answered: 2s } }]
"#;

/// What Chromium made of a page.
struct Opened {
    dom: String,
    /// What it said on its console, the refusals of the page's policy among it.
    console: Vec<String>,
    /// Addresses on a network that it asked for, those left out that it asks for on its own account.
    asked: Vec<String>,
}

/// Opens `page`; `None` where there is no Chromium.
fn open(page: &Path, folder: &Path) -> Option<Opened> {
    let log = folder.join("net.json");
    // A page that waits for somebody would wait for ever.
    let mut command = Command::new("timeout");
    command.args(["60", "chromium"]);
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]);
    command.args(["--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--dump-dom"]);
    // Nothing leaves this machine, whatever a page asks for.
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--allow-file-access-from-files"]);
    command.args(["--virtual-time-budget=5000", "--window-size=1200,900"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--log-net-log={}", log.display())).arg(format!("file://{}", page.display()));
    let output = command.env("HOME", folder).output().unwrap();
    // As `timeout` says that there is no such program.
    if output.status.code() == Some(127) {
        eprintln!("chromium is not installed: the report was not opened in it");
        return None;
    }
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let log = fs::read_to_string(log).unwrap();
    let addresses = log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = |address: &&str| !address.contains("google.com/") && !address.contains("googleapis.com/");
    let asked = addresses.filter(|address| address.starts_with("http")).filter(own);
    Some(Opened {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: told.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect(),
        asked: asked.map(str::to_owned).collect(),
    })
}

/// A run with a failure, and its report.
fn reported() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), FAILS).unwrap();
    let mut command = Command::cargo_bin("callwright").unwrap();
    let output = command.current_dir(&folder).args(["run", "a.yaml", "--html", "out/report.html"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    let report = folder.path().join("out/report.html");
    assert!(report.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, report)
}

#[test]
fn a_browser_shows_the_report_without_a_complaint_and_without_a_network() {
    let (folder, report) = reported();
    let page = fs::read_to_string(&report).unwrap();
    let Some(opened) = open(&report, folder.path()) else { return };
    assert_eq!(opened.console, Vec::<String>::new());
    assert_eq!(opened.asked, Vec::<String>::new());
    assert!(opened.dom.contains("<audio") && opened.dom.contains("class=\"mark\""), "{}", opened.dom);
    assert!(opened.dom.contains("1 of 2 tests did not pass") && !opened.dom.contains("<img"));
    // Its script ran: what is of use only with it is shown.
    assert!(page.contains("<form id=\"controls\" hidden"));
    assert!(
        !opened.dom.contains("<form id=\"controls\" hidden")
            && opened.dom.contains("<button type=\"button\" class=\"seek\"")
    );

    // The same eyes see a page that asks for something, and a policy that refuses it.
    let asks = folder.path().join("asks.html");
    let foreign =
        page.replace("</main>", "<img src=\"http://127.0.0.1:9/x.png\"><script>document.title = 1</script></main>");
    fs::write(&asks, &foreign).unwrap();
    let refused = open(&asks, folder.path()).unwrap();
    assert!(refused.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", refused.console);
    assert_eq!(refused.asked, Vec::<String>::new(), "the policy forbids it");
    fs::write(&asks, without_policy(&foreign)).unwrap();
    assert_eq!(open(&asks, folder.path()).unwrap().asked[0], "http://127.0.0.1:9/x.png");
}

#[test]
fn a_browser_can_play_the_recording_and_a_phone_need_not_scroll_sideways() {
    let (folder, report) = reported();
    let page = fs::read_to_string(&report).unwrap();
    let measured = "<script>addEventListener('load', () => {
        document.querySelectorAll('details').forEach((each) => (each.open = true));
        const audio = document.querySelector('audio');
        const tell = () => parent.postMessage([document.documentElement.scrollWidth, audio.duration, audio.error], '*');
        audio.readyState ? tell() : audio.addEventListener('loadedmetadata', tell);
    })</script></body>";
    fs::write(folder.path().join("inner.html"), without_policy(&page).replace("</body>", measured)).unwrap();
    let outer = "<body><script>addEventListener('message', (m) => (document.body.dataset.told = JSON.stringify(m.data)))</script>
        <iframe width=360 height=800 frameborder=0 src=inner.html></iframe></body>";
    let phone = folder.path().join("phone.html");
    fs::write(&phone, outer).unwrap();
    let Some(opened) = open(&phone, folder.path()) else { return };
    let told = opened.dom.split_once("data-told=\"[").unwrap_or_else(|| panic!("{}", opened.dom)).1;
    let told: Vec<&str> = told.split_once(']').unwrap().0.split(',').collect();
    let [width, duration, error] = told[..] else { panic!("{told:?}") };
    assert!(width.parse::<u32>().unwrap() <= 360, "{width} pixels wide");
    assert!((1.0..4.0).contains(&duration.parse::<f64>().unwrap()) && error == "null", "{told:?}");
}

#[test]
fn a_browser_shows_the_charts_of_a_load_without_a_complaint_and_a_phone_need_not_scroll_sideways() {
    let folder = crate::plot::folder();
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(&folder).args(["plot", "calls.jsonl"]).assert().success();
    let page = folder.path().join("calls.html");
    let Some(opened) = open(&page, folder.path()) else { return };
    assert_eq!((opened.console, opened.asked), (Vec::new(), Vec::new()));
    let measured = "<script>addEventListener('load', () => parent.postMessage([document.documentElement.scrollWidth,
        document.querySelector('.plot').clientWidth, getComputedStyle(document.querySelector('path.k1')).stroke], '*'))</script></body>";
    let inner = without_policy(&fs::read_to_string(page).unwrap()).replace("</body>", measured);
    fs::write(folder.path().join("inner.html"), inner).unwrap();
    let outer =
        "<body><script>addEventListener('message', (m) => (document.body.dataset.told = m.data.join(';')))</script>
        <iframe width=360 height=800 frameborder=0 src=inner.html></iframe></body>";
    let phone = folder.path().join("phone.html");
    fs::write(&phone, outer).unwrap();
    let dom = open(&phone, folder.path()).unwrap().dom;
    let told = dom.split_once("data-told=\"").unwrap_or_else(|| panic!("{dom}")).1.split_once('"').unwrap().0;
    let told: Vec<&str> = told.split(';').collect();
    let number = |index: usize| told[index].parse::<f64>().unwrap();
    assert!(number(0) <= 360.0 && number(1) > 250.0, "{told:?}");
    // In the colour that the style has, not in the black of paths without one.
    assert_eq!(told[2], "rgb(0, 114, 178)");
}

fn without_policy(page: &str) -> String {
    let (head, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    format!("{head}{}", rest.split_once('>').unwrap().1)
}
