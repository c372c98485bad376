#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
//! What a call under load costs the book: `cargo bench --bench book -- [calls]`.
//!
//! Told is the time for all that the book is told of a call: its launch, its end, four changes of the calls in progress
//! and eight events' lag, with gates over all, over each host and in windows; then that of a snapshot and a report.

use std::time::{Duration, Instant};

use callwright::metrics::{Book, Cdr, Gate, GateBound, LegTimes, Metric, Over};
use callwright::units::Time;
use callwright::verdict::Verdict;

/// 2,000 calls a second.
const APART: Duration = Duration::from_micros(500);

const BEGAN: Time = Time::from_micros(1_767_323_045_000_000);

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| !argument.starts_with("--"));
    let calls: u64 = match measured {
        true => arguments.first().and_then(|text| text.parse().ok()).unwrap_or(400_000),
        false => 2_000,
    };
    let cdrs: Vec<Cdr> = (0..calls).map(cdr).collect();
    let mut book = Book::new(BEGAN, gates());
    let began = Instant::now();
    for cdr in &cdrs {
        book.offered(cdr.launched, cdr.late(), &cdr.app, &cdr.host);
        for step in 0..4 {
            book.active(cdr.launched, 300 + step, 600 + step);
        }
        for event in 0..8 {
            book.lag(&cdr.host, Duration::from_micros(700 + 13 * event));
        }
        book.record(cdr);
    }
    let took = began.elapsed();
    println!("{calls} calls: {:.2} us a call", took.as_secs_f64() * 1e6 / calls as f64);
    let began = Instant::now();
    let snapshot = book.snapshot(book.series().buckets.last().map_or(BEGAN, |bucket| bucket.at));
    println!("snapshot: {:.2} ms ({} ended)", began.elapsed().as_secs_f64() * 1e3, snapshot.counts.ended);
    let began = Instant::now();
    let report = serde_json::to_string(&book.report()).expect("a report is JSON");
    println!("report: {:.1} ms, {} KB of JSON", began.elapsed().as_secs_f64() * 1e3, report.len() / 1_000);
}

fn gates() -> Vec<Gate> {
    let gate = |metric: &str, bound: &str| {
        let metric = Metric::parse(metric).expect("a metric");
        let bound = GateBound::parse(metric.quantity(), bound).expect("a bound");
        Gate::new(metric, bound)
    };
    let window = Some(Duration::from_secs(10));
    vec![
        gate("asr", ">= 99%"),
        gate("setup_time.p95", "< 250ms"),
        Gate { window, ..gate("setup_time.p95", "< 250ms") },
        Gate { window, over: Over::EachHost, ..gate("asr", ">= 99%") },
        Gate { window, over: Over::EachApp, ..gate("mos.p5", ">= 3.8") },
    ]
}

/// A call as there are many: its times vary, one in fifty is refused.
fn cdr(index: u64) -> Cdr {
    let due = BEGAN + Duration::from_micros(APART.as_micros() as u64 * index);
    let varies = Duration::from_micros(index.wrapping_mul(7_919) % 90_000);
    let refused = index.is_multiple_of(50);
    let created = due + Duration::from_millis(3);
    let leg = |session: String| LegTimes {
        session,
        created,
        ringing: Some(created + varies / 2),
        answered: (!refused).then(|| created + varies),
        hung_up: Some(created + varies + Duration::from_secs(10)),
        hangup_cause: "NORMAL_CLEARING".to_owned(),
        ..LegTimes::default()
    };
    Cdr {
        call: format!("call-{index}"),
        index,
        app: ["bert", "dtmf", "tone_play"][index as usize % 3].to_owned(),
        host: ["east", "west"][index as usize % 2].to_owned(),
        callee_host: None,
        due,
        launched: due + varies / 50,
        begun: Some(created + varies / 10),
        job_ended: Some(created + varies),
        // As the book is told of it right after its launch.
        ended: due + varies / 50,
        caller: Some(leg(format!("call-{index}"))),
        callee: Some(leg(format!("callee-{index}"))),
        hangup_cause: if refused { "USER_BUSY" } else { "NORMAL_CLEARING" }.to_owned(),
        sip_code: Some(if refused { 486 } else { 200 }),
        verdict: if refused { Verdict::Failed } else { Verdict::Passed },
        reason: if refused { format!("caller heard tone 1004Hz: {} Hz", varies.as_micros()) } else { String::new() },
        active: 300,
        sessions: 600,
        failed: index / 50,
        figures: vec![
            ("caller.like.mos".to_owned(), 4.0 + varies.as_secs_f64()),
            ("caller.heard.level_dbm0".to_owned(), -10.0 - varies.as_secs_f64()),
            ("caller.bert.sync_lost_count".to_owned(), 0.0),
        ],
    }
}
