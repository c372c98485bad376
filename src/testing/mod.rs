//! Fixtures and expectations for telephony tests in Rust, run by `cargo test` (feature `testing`).
//!
//! [`host()`] is a switch to test on: an embedded one of the test's own, or the FreeSWITCH that `CALLWRIGHT_FSHOST` names,
//! so that the same tests run on either. [`caller()`] makes calls on it. [`expect`] holds a call against what must be, in
//! the words of the scenario language, and fails with the report that `callwright run` would give.
//!
//! They are fixtures of [rstest](https://docs.rs/rstest), and plain types for those who do not use it:
//! [`TestHost::start`], [`Caller::on`].
//!
//! ```
//! # mod shown {
//! use callwright::app::flow;
//! use callwright::scenario::{Leg, Recording};
//! use callwright::testing::{Caller, caller, expect};
//! use rstest::rstest;
//!
//! #[rstest]
//! #[tokio::test]
//! async fn the_callee_hears_the_milliwatt(caller: Caller) {
//!     let answer = flow("answer", |callee| async move {
//!         callee.answer().await?;
//!         Ok(callee.echo().await?)
//!     });
//!     caller.load("tone", answer).await.unwrap();
//!
//!     let call = caller.call("doggy", "tone").await;
//!     let callee = call.peer().unwrap();
//!     callee.start_record("/tmp/callee.wav", Recording::HEARD).await.unwrap();
//!     call.playback("tone_stream://%(2000,0,1004)").await.unwrap();
//!     call.hangup().await.unwrap();
//!
//!     expect(&call).answered().heard_tone(Leg::Callee, 1004.0).hung_up_with("NORMAL_CLEARING").await;
//! }
//! # }
//! ```

mod dial;
mod expectation;
mod matchers;
mod test_host;
mod turn;

pub use dial::{Caller, Dial, caller};
pub use expectation::{Expectation, expect};
pub use test_host::{TestHost, host};
