//! callwright: functional and load tests for telephone switches.
//!
//! A call is made on FreeSWITCH hosts over their event socket, or on an embedded switch; what was heard is verified.
//!
//! - Rust programs begin with `client` (hosts, sessions, calls), `app` (what is done with sessions), `service`, and, for
//!   tests, `testing` (feature `testing`). Their documentation has examples that run on the embedded switch.
//! - `scenario` is the language of YAML tests, `run` runs them, `report` tells of runs.
//! - `switch` is the embedded switch; `host` a switch reached over its event socket; `esl`, `sip`, `media` and `audio` are
//!   what they are made of.
//!
//! What decides has no IO and is told the time (`units::Time`), so it can be driven by any clock; what owns sockets, tasks
//! and clocks is a thin shell around it, for tokio. Neither a network nor a user's input makes anything here panic: a
//! panic is a mistake of ours. Fixtures and expectations of `testing` panic as assertions do.

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
