//! RTP, telephone events and the jitter buffer.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use callwright::media::engine::{Engine, MediaOutput};
use callwright::media::rtp::Packet;
use callwright::media::{Codec, DtmfSource, LegId, MediaCommand, MediaEvent};
use callwright::units::Time;

/// A packet that was read is written and read again as the same, and its payload lies within its bytes.
pub fn rtp(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    assert!(packet.payload.len() + 12 <= bytes.len());
    let written = packet.encode();
    assert_eq!(Packet::parse(&written), Ok(packet));
    assert_eq!(written.len(), 12 + packet.payload.len());
}

const LEG: LegId = LegId(1);
const EVENTS: u8 = 101;

/// A leg that echoes and listens for digits, and any packets at any times: what it tells is within what came.
///
/// The input is a row of packets, each behind its length and the milliseconds before it; a length of 0 is one of the next
/// sequence number.
pub fn leg(bytes: &[u8]) {
    let remote = SocketAddr::from(([127, 0, 0, 1], 4_000));
    let mut engine = Engine::new();
    let mut now = Time::from_micros(1_700_000_000_000_000);
    engine.handle_command(now, MediaCommand::Open { leg: LEG });
    engine.handle_opened(now, LEG, Ok(SocketAddr::from(([127, 0, 0, 1], 4_002))));
    let codec = Codec::Pcmu;
    engine
        .handle_command(now, MediaCommand::Connect { leg: LEG, remote, codec, telephone_event: Some(EVENTS), ssrc: 7 });
    engine.handle_command(now, MediaCommand::Echo { leg: LEG, on: true });
    engine.handle_command(now, MediaCommand::DetectDtmf { leg: LEG, on: true });
    let mut due = now + Duration::from_millis(20);
    let mut rest = bytes;
    let (mut packets, mut events) = (0_u64, HashSet::new());
    let mut told = Told::default();
    while let [length, pause, more @ ..] = rest {
        let length = usize::from(*length).min(more.len());
        let (packet, after) = more.split_at(length);
        rest = after;
        now += Duration::from_millis(u64::from(*pause));
        while due <= now {
            engine.handle_tick(due, due, LEG);
            due += Duration::from_millis(20);
            told.take(&mut engine);
        }
        engine.handle_packet(now, LEG, remote, packet);
        packets += 1;
        if let Ok(packet) = Packet::parse(packet)
            && packet.payload_type == EVENTS
        {
            events.insert((packet.ssrc, packet.timestamp));
        }
        assert!(told.digits <= events.len(), "{} digits of {} events", told.digits, events.len());
    }
    for _ in 0..20 {
        engine.handle_tick(due, due, LEG);
        due += Duration::from_millis(20);
        told.take(&mut engine);
    }
    assert!(told.digits <= events.len(), "{} digits of {} events", told.digits, events.len());
    let stats = engine.stats(LEG).expect("the leg is there");
    assert!(stats.received_packets <= packets);
    assert!(stats.received_telephone_events <= stats.received_packets);
    assert!(stats.mean_interval.is_finite() && stats.mean_interval >= 0.0, "{}", stats.mean_interval);
    engine.handle_command(now, MediaCommand::Close { leg: LEG });
    told.take(&mut engine);
    assert_eq!(engine.legs().count(), 0);
}

/// What a leg told and sent.
#[derive(Default)]
struct Told {
    digits: usize,
    sequence: Option<u16>,
}

impl Told {
    fn take(&mut self, engine: &mut Engine) {
        while let Some(output) = engine.poll_output() {
            match output {
                MediaOutput::Event(MediaEvent::Dtmf { digit, source, .. }) => {
                    assert!("0123456789*#ABCD".contains(digit), "{digit:?}");
                    self.digits += usize::from(source == DtmfSource::Rtp);
                }
                MediaOutput::Send { packet, .. } => {
                    let sequence = Packet::parse(&packet).expect("what we send is RTP").sequence;
                    let next = self.sequence.map_or(sequence, |last| last.wrapping_add(1));
                    assert_eq!(sequence, next, "a packet that was never sent");
                    self.sequence = Some(sequence);
                }
                _ => {}
            }
        }
    }
}
