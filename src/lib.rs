//! callwright: functional and load tests for telephone switches.

pub mod app;
pub mod audio;
pub mod bound;
pub mod call;
pub mod canvas;
pub mod cli;
pub mod client;
pub mod clock;
pub mod compare;
pub mod config;
pub mod doctor;
pub mod esl;
pub mod host;
pub mod id;
pub mod journal;
pub mod load;
pub mod media;
pub mod metrics;
pub mod place;
pub mod redact;
pub mod report;
pub mod run;
pub mod scenario;
pub mod serial;
pub mod service;
pub mod shell;
pub mod sim;
pub mod sip;
pub mod switch;
#[cfg(feature = "testing")]
pub mod testing;
pub mod units;
pub mod verdict;

/// The programs of the guide.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/src/rust.md")]
    mod rust {}
    #[doc = include_str!("../docs/src/services.md")]
    mod services {}
}
