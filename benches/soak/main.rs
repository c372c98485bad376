//! Whether anything grows under a load that goes on: memory, and over sockets file descriptors and tasks.
//!
//! `cargo bench --bench soak` is an hour of virtual time, `-- simulated 10m` another time of it; `-- real 10m` are ten real
//! minutes on the embedded switch. `cargo test` has one virtual minute and a half. Prints samples, and ends with an error
//! where one grew beyond its bound or something was left behind.

mod heap;
mod real;
mod simulated;
mod table;

use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let lasts = |otherwise: u64| words.get(1).map_or(Duration::from_secs(otherwise), |text| duration(text));
    let wrong = match words.first() {
        // The filter of a `cargo test` that is about something else.
        Some(_) if !measured => Vec::new(),
        Some(&"real") => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(real::soak(lasts(600)))
        }
        Some(&"simulated") => simulated::soak(lasts(3_600)),
        Some(what) => vec![format!("no soak {what:?}: simulated or real")],
        None if measured => simulated::soak(Duration::from_secs(3_600)),
        None => simulated::soak(Duration::from_secs(90)),
    };
    wrong.iter().for_each(|wrong| println!("error: {wrong}"));
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `90s`, `10m`, `1h`.
fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "h" => 3_600,
        "m" => 60,
        _ => 1,
    };
    Duration::from_secs(number.parse::<u64>().expect("a time such as 90s, 10m or 1h") * seconds)
}
