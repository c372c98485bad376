//! An app of one's own: a door that opens for whoever types its number, and calls that try it.
//!
//! Run it with `cargo run --example own_app`: it starts a switch of its own. With the address of a FreeSWITCH's event
//! socket behind it (`cargo run --example own_app -- 10.0.0.5:8021`) the same happens there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callwright::app::{App, AppError, Group, flow};
use callwright::call::HangupCause;
use callwright::client::{Client, Session};
use callwright::host::Originate;
use callwright::switch::{Switch, SwitchConfig};

/// A door with a keypad. What the door has counted stays with whoever has a copy of its counters.
struct Door {
    number: &'static str,
    opened: Arc<AtomicU32>,
    refused: Arc<AtomicU32>,
}

/// How often a wrong number is forgiven.
const TRIES: u32 = 2;

impl App for Door {
    /// Digits are no events that every app needs.
    fn events(&self) -> Vec<String> {
        vec!["DTMF".to_owned()]
    }

    /// A callback must not wait; what takes its time is a flow of the session.
    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound() && session.note("keypad").is_none() {
            session.set_note("keypad", "shown");
            session.spawn(keypad(session.clone(), self.number));
        }
        Ok(())
    }

    fn on_hung_up(&mut self, session: &Session, cause: &HangupCause) -> Result<(), AppError> {
        match session.note("door").as_deref() {
            Some("open") => self.opened.fetch_add(1, Ordering::Relaxed),
            Some("shut") => self.refused.fetch_add(1, Ordering::Relaxed),
            _ => return Ok(()),
        };
        println!("{} heard {}", session.header("Caller-Caller-ID-Number").unwrap_or_default(), cause);
        Ok(())
    }
}

/// Answers, asks for the number with a short tone, and says by a tone and by the hangup cause what comes of it.
async fn keypad(session: Session, number: &str) -> Result<(), AppError> {
    session.answer().await?;
    for _ in 0..TRIES {
        session.playback("tone_stream://%(150,50,425)").await?;
        let typed = session.collect_digits(number.len(), Duration::from_secs(5)).await?;
        if typed == number {
            session.set_note("door", "open");
            session.playback("tone_stream://%(100,20,600);%(100,20,800)").await?;
            return Ok(session.hangup().await?);
        }
    }
    session.set_note("door", "shut");
    session.playback("tone_stream://%(300,50,300)").await?;
    Ok(session.hangup_with(HangupCause::parse("CALL_REJECTED")).await?)
}

#[tokio::main]
async fn main() -> Result<(), AppError> {
    let switch = match std::env::args().nth(1) {
        Some(_) => None,
        None => Some(Switch::start(SwitchConfig::default()).await?),
    };
    let own = switch.as_ref().map(|switch| switch.esl_addr().to_string());
    let address = own.or(std::env::args().nth(1)).unwrap_or_default();
    let client = Client::connect(address).await?;

    let (opened, refused) = (Arc::default(), Arc::default());
    let door = Door { number: "4711", opened: Arc::clone(&opened), refused: Arc::clone(&refused) };
    // The calling side is an app as well, of the same id: an async function of the session.
    let visitor = flow("visitor", |session: Session| async move {
        if session.is_outbound() {
            for digits in session.variable("typed").unwrap_or_default().split(' ') {
                session.send_dtmf(digits, Duration::from_millis(80)).await?;
            }
        }
        Ok(())
    });
    client.load_group(Group::new("door").app(door).app(visitor)).await?;

    for (from, typed, expected) in [
        ("100", "4711", "NORMAL_CLEARING"),
        ("101", "0000 4711", "NORMAL_CLEARING"),
        ("102", "1 2 3 4 5 6 7 8", "CALL_REJECTED"),
    ] {
        let door = client.itself("external", "door").ok_or("the host has no SIP profile `external`")?;
        let call = Originate::to(door).app("door").caller_id(from, from).variable("typed", typed);
        let session = client.call(call).await?;
        let callee = session.peer().ok_or("the call has one leg")?;
        assert_eq!(callee.until_hung_up().await?, HangupCause::parse(expected));
        session.until_gone().await?;
        session.call().until_ended().await;
    }
    let counted = (opened.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("opened {}, refused {}", counted.0, counted.1);
    assert_eq!(counted, (2, 1));

    client.close().await?;
    if let Some(switch) = switch {
        switch.shutdown().await;
    }
    Ok(())
}
