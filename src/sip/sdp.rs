//! Offer and answer (RFC 3264) of one audio stream in SDP (RFC 8866), in the shape that FreeSWITCH gives them.
//!
//! Left out: multicast, host names in `c=`, SRTP, ICE. Streams other than the first audio one are refused, each in its
//! place (RFC 3264 6).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sdp_types::{Connection, Media, Origin, RtpMap, Session};

/// One RTP payload type of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub number: u8,
    /// Encoding name: `PCMU`, `telephone-event`.
    pub name: String,
    /// Clock rate in hertz.
    pub clock: u32,
}

/// Which way audio flows, seen from whoever wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// A session description with its one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `o=`: the session's number, and the version that counts its changes.
    pub session: u64,
    pub version: u64,
    /// Where its writer wants RTP; port 0 refuses the stream.
    pub address: SocketAddr,
    /// In order of preference.
    pub payloads: Vec<Payload>,
    /// Length of a packet, if it was told.
    pub ptime: Option<Duration>,
    pub direction: Direction,
    /// The other streams, by their place among all.
    pub others: Vec<OtherStream>,
}

/// A stream that we do not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherStream {
    /// How many streams stand before it.
    pub place: usize,
    pub media: String,
    pub proto: String,
    pub formats: String,
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Numbered as the other side wants to receive it.
    pub codec: Payload,
    /// Payload type of RFC 4733 events, if both have it.
    pub telephone_event: Option<u8>,
    /// Payload type of RFC 3389 comfort noise, if the other side has it.
    pub comfort_noise: Option<u8>,
    pub remote: SocketAddr,
    /// Length of a packet: theirs, or 20 ms.
    pub ptime: Duration,
    /// Ours.
    pub direction: Direction,
    /// The offer's other streams, which an answer refuses.
    pub others: Vec<OtherStream>,
}

/// Why a description does not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    #[error("not a session description: {0}")]
    Malformed(String),
    #[error("no RTP/AVP audio stream")]
    NoAudio,
    #[error("no address for the audio stream")]
    NoAddress,
    #[error("{0:?} is not an IP address")]
    NotAnAddress(String),
    /// The port is 0.
    #[error("the audio stream was refused")]
    Refused,
    #[error("no codec in common; offered were {0}")]
    NoCommonCodec(String),
}

/// Telephone events and comfort noise, as FreeSWITCH numbers them.
const TELEPHONE_EVENT: &str = "telephone-event";
const COMFORT_NOISE: &str = "CN";
const PTIME: Duration = Duration::from_millis(20);

impl Payload {
    pub fn new(number: u8, name: impl Into<String>, clock: u32) -> Payload {
        Payload { number, name: name.into(), clock }
    }

    /// The payload type that needs no `rtpmap` (RFC 3551 6).
    fn fixed(number: u8) -> Option<Payload> {
        let (name, clock) = match number {
            0 => ("PCMU", 8_000),
            3 => ("GSM", 8_000),
            4 => ("G723", 8_000),
            8 => ("PCMA", 8_000),
            9 => ("G722", 8_000),
            10 | 11 => ("L16", 44_100),
            13 => (COMFORT_NOISE, 8_000),
            15 => ("G728", 8_000),
            18 => ("G729", 8_000),
            _ => return None,
        };
        Some(Payload::new(number, name, clock))
    }

    fn is(&self, name: &str, clock: u32) -> bool {
        self.clock == clock && self.name.eq_ignore_ascii_case(name)
    }

    fn is_codec(&self) -> bool {
        !self.name.eq_ignore_ascii_case(TELEPHONE_EVENT) && !self.name.eq_ignore_ascii_case(COMFORT_NOISE)
    }
}

impl Direction {
    /// The attribute's name.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The same flow seen from the other side (RFC 3264 6.1).
    pub const fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            both => both,
        }
    }

    fn parse(name: &str) -> Option<Direction> {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|d| d.name() == name)
    }
}

impl Description {
    /// FreeSWITCH's offer: `codecs`, telephone events as 101, comfort noise as 13, 20 ms, both ways.
    ///
    /// `session` numbers the session; FreeSWITCH takes the time in seconds less the RTP port, and the version is one more.
    pub fn offer(session: u64, address: SocketAddr, codecs: &[Payload]) -> Description {
        let mut payloads = codecs.to_vec();
        payloads.push(Payload::new(101, TELEPHONE_EVENT, 8_000));
        payloads.push(Payload::new(13, COMFORT_NOISE, 8_000));
        Description {
            session,
            version: session.saturating_add(1),
            address,
            payloads,
            ptime: Some(PTIME),
            direction: Direction::SendRecv,
            others: Vec::new(),
        }
    }

    /// The same session with another direction: the next version of it, to put a call on hold or take it back.
    pub fn redirected(&self, direction: Direction) -> Description {
        Description { direction, version: self.version.saturating_add(1), ..self.clone() }
    }

    /// Reads a description.
    ///
    /// # Errors
    /// When it is none, or has no audio stream with an IP address. A refused stream (port 0) is no error here.
    pub fn parse(text: &str) -> Result<Description, SdpError> {
        let session = Session::parse(text.as_bytes()).map_err(|error| SdpError::Malformed(error.to_string()))?;
        let is_audio = |media: &Media| media.media == "audio" && media.proto == "RTP/AVP";
        let place = session.medias.iter().position(is_audio).ok_or(SdpError::NoAudio)?;
        let media = &session.medias[place];
        let connection = media.connections.first().or(session.connection.as_ref()).ok_or(SdpError::NoAddress)?;
        let address = connection.connection_address.split('/').next().unwrap_or_default();
        let ip: IpAddr = address.parse().map_err(|_| SdpError::NotAnAddress(address.to_owned()))?;
        let maps: Vec<RtpMap> = media.attributes_typed::<RtpMap>().filter_map(Result::ok).collect();
        let payload = |number: u8| match maps.iter().find(|map| map.payload_type == number) {
            Some(map) => Some(Payload::new(number, map.encoding_name.clone(), map.clock_rate)),
            None => Payload::fixed(number),
        };
        // RFC 8866 6.7: an attribute of the media counts before that of the session.
        let attributes = media.attributes.iter().chain(&session.attributes);
        let direction = attributes.filter(|a| a.value.is_none()).find_map(|a| Direction::parse(&a.attribute));
        let ptime = media.get_first_attribute_value("ptime").flatten().and_then(|ms| ms.trim().parse::<u16>().ok());
        let others = session.medias.iter().enumerate().filter(|(at, _)| *at != place).map(|(place, media)| {
            OtherStream { place, media: media.media.clone(), proto: media.proto.clone(), formats: media.fmt.clone() }
        });
        Ok(Description {
            session: session.origin.sess_id.parse().unwrap_or_default(),
            version: session.origin.sess_version,
            address: SocketAddr::new(ip, media.port),
            payloads: media.fmt.split_whitespace().filter_map(|number| payload(number.parse().ok()?)).collect(),
            ptime: ptime.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(u64::from(ms))),
            direction: direction.unwrap_or_default(),
            others: others.collect(),
        })
    }

    /// As FreeSWITCH sends it, and its other side sees it in `switch_r_sdp`: the direction before `ptime`, and only when
    /// it is not `sendrecv`.
    pub fn to_sdp(&self) -> String {
        let told = (self.direction != Direction::SendRecv).then_some(self.direction);
        self.write(told, None)
    }

    /// As FreeSWITCH keeps it in `rtp_local_sdp_str`: the direction last, always.
    pub fn to_variable(&self) -> String {
        self.write(None, Some(self.direction))
    }

    /// Whether its writer holds the call: it will not listen (RFC 3264 8.4), or says so as RFC 2543 did.
    pub fn is_hold(&self) -> bool {
        matches!(self.direction, Direction::SendOnly | Direction::Inactive) || self.address.ip().is_unspecified()
    }

    /// Payload type of telephone events (RFC 4733).
    pub fn telephone_event(&self) -> Option<u8> {
        self.numbered(TELEPHONE_EVENT, 8_000)
    }

    fn numbered(&self, name: &str, clock: u32) -> Option<u8> {
        self.payloads.iter().find(|payload| payload.is(name, clock)).map(|payload| payload.number)
    }

    fn write(&self, before_ptime: Option<Direction>, after_ptime: Option<Direction>) -> String {
        let ip = self.address.ip();
        let origin = Origin::builder_with_ip_addr(self.session, self.version, ip).username("FreeSWITCH").build();
        let numbers: Vec<String> = self.payloads.iter().map(|payload| payload.number.to_string()).collect();
        let mut audio = stream("audio", self.address.port(), "RTP/AVP", &numbers.join(" "));
        for payload in &self.payloads {
            audio.add_attribute_with_value("rtpmap", format!("{} {}/{}", payload.number, payload.name, payload.clock));
            if payload.is(TELEPHONE_EVENT, payload.clock) {
                audio.add_attribute_with_value("fmtp", format!("{} 0-15", payload.number));
            }
        }
        if let Some(direction) = before_ptime {
            audio.add_attribute_from_str(direction.name());
        }
        if let Some(ptime) = self.ptime {
            audio.add_attribute_with_value("ptime", ptime.as_millis());
        }
        if let Some(direction) = after_ptime {
            audio.add_attribute_from_str(direction.name());
        }
        let mut medias = vec![audio];
        for other in &self.others {
            let refused = stream(&other.media, 0, &other.proto, &other.formats);
            medias.insert(other.place.min(medias.len()), refused);
        }
        let mut session = Session::new(origin, "FreeSWITCH");
        session.set_connection(Connection::from_ip_addr(ip));
        session.add_medias(medias);
        session.to_string()
    }
}

impl Negotiated {
    /// The answer to send: version and address are ours.
    pub fn answer(&self, session: u64, version: u64, local: SocketAddr) -> Description {
        let mut payloads = vec![self.codec.clone()];
        payloads.extend(self.telephone_event.map(|number| Payload::new(number, TELEPHONE_EVENT, 8_000)));
        payloads.extend(self.comfort_noise.map(|number| Payload::new(number, COMFORT_NOISE, 8_000)));
        let (ptime, others) = (Some(self.ptime), self.others.clone());
        Description { session, version, address: local, payloads, ptime, direction: self.direction, others }
    }
}

/// Matches what the other side wrote, an offer or the answer to ours, against `ours`.
///
/// The other side's order decides, as RFC 3264 6.1 advises and FreeSWITCH does by default ("generous"). `ours` are
/// compared by name and clock; the number is theirs.
///
/// # Errors
/// When the stream is refused or has no codec of ours.
pub fn answer(theirs: &Description, ours: &[Payload]) -> Result<Negotiated, SdpError> {
    if theirs.address.port() == 0 {
        return Err(SdpError::Refused);
    }
    let mut codecs = theirs.payloads.iter().filter(|payload| payload.is_codec());
    let codec = codecs.find(|payload| ours.iter().any(|our| our.is(&payload.name, payload.clock)));
    let codec = codec.cloned().ok_or_else(|| {
        let offered: Vec<String> = theirs.payloads.iter().map(|p| format!("{}/{}", p.name, p.clock)).collect();
        SdpError::NoCommonCodec(offered.join(" "))
    })?;
    Ok(Negotiated {
        codec,
        telephone_event: theirs.telephone_event(),
        comfort_noise: theirs.numbered(COMFORT_NOISE, 8_000),
        remote: theirs.address,
        ptime: theirs.ptime.unwrap_or(PTIME),
        direction: theirs.direction.reversed(),
        others: theirs.others.clone(),
    })
}

fn stream(media: &str, port: u16, proto: &str, formats: &str) -> Media {
    Media {
        media: media.to_owned(),
        port,
        num_ports: None,
        proto: proto.to_owned(),
        fmt: formats.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// FreeSWITCH's own (`rtp_local_sdp_str` of the tone-echo capture).
    const KEPT: &str = "v=0\r\no=FreeSWITCH 1795349812 1795349813 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 27028 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\na=sendrecv\r\n";
    /// The same as the other side got it (`switch_r_sdp`).
    const SENT: &str = "v=0\r\no=FreeSWITCH 1795349812 1795349813 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 27028 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\n";
    /// Its hold, as the other side got it (hold-unhold capture), and the answer that FreeSWITCH kept.
    const HOLD: &str = "v=0\r\no=FreeSWITCH 1795356749 1795356751 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 20364 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=sendonly\r\na=ptime:20\r\n";
    const HELD: &str = "v=0\r\no=FreeSWITCH 1795356251 1795356253 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 20862 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\na=recvonly\r\n";

    fn pcmu() -> Payload {
        Payload::new(0, "PCMU", 8_000)
    }

    fn pcma() -> Payload {
        Payload::new(8, "PCMA", 8_000)
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_offer_is_what_freeswitch_offers() {
        let offer = Description::offer(1_795_349_812, at("127.0.0.1:27028"), &[pcmu()]);
        assert_eq!(offer.to_variable(), KEPT);
        assert_eq!(offer.to_sdp(), SENT);
        assert_eq!(Description::parse(SENT), Ok(offer.clone()));
        assert_eq!(Description::parse(KEPT), Ok(offer));
    }

    #[test]
    fn hold_and_its_answer_are_freeswitchs_too() {
        let first = Description::offer(1_795_356_749, at("127.0.0.1:20364"), &[pcmu()]);
        let hold = first.redirected(Direction::SendOnly);
        assert_eq!(hold.to_sdp(), HOLD);
        let got = Description::parse(HOLD).expect("a description");
        assert!(got.is_hold() && !first.is_hold());
        let agreed = answer(&got, &[pcmu(), pcma()]).expect("a codec");
        assert_eq!(agreed.answer(1_795_356_251, 1_795_356_253, at("127.0.0.1:20862")).to_variable(), HELD);
    }

    #[test]
    fn the_offers_order_decides_among_the_codecs_we_have() {
        let text = SENT
            .replace("RTP/AVP 0 101 13", "RTP/AVP 96 8 0 100")
            .replace(
                "a=rtpmap:101 telephone-event/8000",
                "a=rtpmap:96 opus/48000/2\r\na=rtpmap:100 Telephone-Event/8000",
            )
            .replace("a=ptime:20\r\n", "");
        let agreed = answer(&Description::parse(&text).expect("a description"), &[pcmu(), pcma()]).expect("a codec");
        assert_eq!(
            (agreed.codec, agreed.telephone_event, agreed.comfort_noise, agreed.ptime),
            (pcma(), Some(100), None, PTIME)
        );
        assert_eq!(agreed.remote, at("127.0.0.1:27028"));
    }

    #[test]
    fn the_medias_own_address_and_direction_count_first() {
        let text = SENT
            .replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n")
            .replace("RTP/AVP 0 101 13\r\n", "RTP/AVP 0\r\nc=IN IP6 2001:db8::7\r\na=recvonly\r\n");
        let got = Description::parse(&text).expect("a description");
        assert_eq!((got.address, got.direction), (at("[2001:db8::7]:27028"), Direction::RecvOnly));
        let session_only = SENT.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
        assert_eq!(Description::parse(&session_only).map(|d| d.direction), Ok(Direction::Inactive));
    }

    #[test]
    fn other_streams_are_refused_in_their_place() {
        let text = SENT.replace("m=audio", "m=video 5004 RTP/AVP 31\r\nm=audio") + "m=audio 6000 RTP/AVP 8\r\n";
        let agreed = answer(&Description::parse(&text).expect("a description"), &[pcmu()]).expect("a codec");
        let answered = agreed.answer(1, 2, at("127.0.0.1:4000")).to_sdp();
        let streams: Vec<&str> = answered.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(streams, ["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0 101 13", "m=audio 0 RTP/AVP 8"]);
    }

    #[test]
    fn what_does_not_serve_says_why() {
        let parse = |text: &str| {
            Description::parse(text).and_then(|d| answer(&d, &[pcma()])).expect_err("no agreement").to_string()
        };
        assert_eq!(parse(SENT), "no codec in common; offered were PCMU/8000 telephone-event/8000 CN/8000");
        assert_eq!(parse(&SENT.replace("m=audio 27028", "m=audio 0")), "the audio stream was refused");
        assert_eq!(parse(&SENT.replace("m=audio", "m=video")), "no RTP/AVP audio stream");
        assert_eq!(parse(&SENT.replace("c=IN IP4 127.0.0.1\r\n", "")), "no address for the audio stream");
        assert_eq!(
            parse(&SENT.replace("c=IN IP4 127.0.0.1", "c=IN IP4 pbx.example")),
            "\"pbx.example\" is not an IP address"
        );
        assert!(parse("hello").starts_with("not a session description: "));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*", at in 0..400_usize, noise in "[\\x00-\\x7f]{0,20}") {
            let _ = Description::parse(&text);
            let mut spoilt = SENT.to_owned();
            spoilt.insert_str(at.min(SENT.len()), &noise);
            if let Ok(description) = Description::parse(&spoilt) {
                let _ = answer(&description, &[pcmu()]);
                prop_assert!(Description::parse(&description.to_sdp()).is_ok());
            }
        }
    }
}
