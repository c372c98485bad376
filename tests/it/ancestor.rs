//! The tests that switchy, whose place callwright takes, shows for its `sync_caller`, as a user writes them here: on an
//! embedded switch each, or with `CALLWRIGHT_FSHOST` on a FreeSWITCH.

use std::time::Duration;

use callwright::app::{AppError, FlowApp, Scripted, flow};
use callwright::client::{ClientConfig, Playback, Session};
use callwright::scenario::app::TonePlay;
use callwright::scenario::{Leg, Recording};
use callwright::testing::{Caller, caller, expect};
use rstest::rstest;

/// The callee answers and echoes; the caller plays the milliwatt.
fn tone_play() -> Scripted {
    Scripted::of("TonePlay", &TonePlay::default())
}

/// A conversation: both sides are recorded, the caller plays two seconds of a tone, the callee half a second of another,
/// and each notes where its recording is.
fn play_rec() -> FlowApp<impl Fn(Session) -> Flow + Send + 'static> {
    flow("PlayRec", |session: Session| -> Flow {
        Box::pin(async move {
            if session.is_inbound() {
                session.answer().await?;
            } else {
                session.until_answered().await?;
            }
            let path = format!("/tmp/callwright-{}.wav", session.id());
            session.start_record(&path, Recording::BOTH).await?;
            let clip = match session.is_inbound() {
                true => ["silence_stream://600", "tone_stream://%(500,0,440)", "silence_stream://2000"],
                false => ["silence_stream://600", "tone_stream://%(2000,0,1004)", "silence_stream://1000"],
            };
            session.playback(Playback::list(clip)).await?;
            session.stop_record(&path).await?;
            session.set_note("recorded", path);
            Ok(())
        })
    })
}

type Flow = std::pin::Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;

#[rstest]
#[tokio::test]
async fn toneplay(caller: Caller) {
    caller.load("TonePlay", tone_play()).await.unwrap();
    let session = caller.call("doggy", "TonePlay").timeout(Duration::from_secs(3)).await;
    assert!(session.is_outbound());
    session.recv("PLAYBACK_START").await.unwrap();
    session.hangup().await.unwrap();
    session.call().until_ended().await;
    assert_eq!(caller.call_of(session.call().id().as_str()).await.unwrap(), None);
    expect(&session).answered().hung_up_with("NORMAL_CLEARING").await;
}

#[rstest]
#[tokio::test]
async fn playrec(caller: Caller) {
    caller.load("PlayRec", play_rec()).await.unwrap();
    let session = caller.call("doggy", "PlayRec").await;
    let peer = session.peer().unwrap();
    session.until_noted("recorded").await.unwrap();
    peer.until_noted("recorded").await.unwrap();
    session.hangup().await.unwrap();
    expect(&session)
        .heard_tone(Leg::Callee, 1_004.0)
        .heard_tone(Leg::Caller, 440.0)
        .holds(
            "audio:
               - { leg: caller, said: { tone: 1004Hz +-4Hz, for: 1.8s..2.2s } }
               - { leg: callee, heard: { tone: 1004Hz +-4Hz, for: 1.8s..2.2s } }
               - { leg: callee, said: { tone: 440Hz +-4Hz, for: 300ms..700ms } }
               - { leg: caller, length: \">= 3s\" }",
        )
        .await;
    for recorded in session.recordings().into_iter().chain(peer.recordings()) {
        // On a host of another machine it is not ours to remove.
        let _ = std::fs::remove_file(recorded.path);
    }
}

fn by_destination(config: ClientConfig) -> ClientConfig {
    config.call_header("Caller-Destination-Number")
}

#[rstest]
#[tokio::test]
async fn an_alternative_tracking_header(#[with(by_destination)] caller: Caller) {
    caller.load("TonePlay", tone_play()).await.unwrap();
    let session = caller.call("doggy", "TonePlay").timeout(Duration::from_secs(3)).await;
    assert!(session.is_outbound());
    let call = caller.call_of("doggy").await.unwrap().expect("a call by the user of its request URI");
    assert_eq!(call.first(), Some(session.clone()));
    assert!(call.last().unwrap().is_inbound());
    call.hangup().await.unwrap();
    call.until_ended().await;
    assert_eq!(caller.call_of("doggy").await.unwrap(), None);
    expect(&call).answered().await;
}

fn by_nonsense(config: ClientConfig) -> ClientConfig {
    config.call_header("doggypants")
}

#[rstest]
#[tokio::test]
async fn an_untracked_call(#[with(by_nonsense)] caller: Caller) {
    let before = caller.stats().await.unwrap();
    caller.load("TonePlay", tone_play()).await.unwrap();
    let session = caller.call("jonesy", "TonePlay").timeout(Duration::from_secs(3)).await;
    // A call for each session, as the tracking header says nothing.
    let there = caller.stats().await.unwrap();
    assert_eq!((there.sessions - before.sessions, there.calls - before.calls), (2, 2));
    assert_eq!(session.peer(), None);
    let sessions = caller.sessions().await.unwrap();
    let is_callee =
        |other: &Session| other.is_inbound() && other.header("Caller-Destination-Number").as_deref() == Some("jonesy");
    let callee = sessions.into_iter().find(is_callee);
    session.hangup().await.unwrap();
    session.until_gone().await.unwrap();
    callee.unwrap().until_gone().await.unwrap();
    let left = caller.stats().await.unwrap();
    assert_eq!((left.sessions, left.calls), (before.sessions, before.calls));
}
