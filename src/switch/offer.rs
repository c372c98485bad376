//! Session descriptions (RFC 8866) as FreeSWITCH writes them, and what it reads from others (RFC 3264).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::media::Codec;

/// Payload type that FreeSWITCH offers for RFC 4733.
pub const TELEPHONE_EVENT: u8 = 101;
/// Payload type of comfort noise (RFC 3551).
pub const COMFORT_NOISE: u8 = 13;

/// What one side of a call says about its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub rtp: SocketAddr,
    /// In the order of preference.
    pub codecs: Vec<Codec>,
    /// Payload type of RFC 4733.
    pub telephone_event: Option<u8>,
    /// Payload type of comfort noise at 8 kHz.
    pub comfort_noise: Option<u8>,
}

/// Which way audio goes, seen from who describes it (RFC 8866 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Both,
    SendOnly,
    ReceiveOnly,
    None,
}

impl Way {
    pub const fn word(self) -> &'static str {
        match self {
            Way::Both => "sendrecv",
            Way::SendOnly => "sendonly",
            Way::ReceiveOnly => "recvonly",
            Way::None => "inactive",
        }
    }

    /// The direction that a received description names.
    pub fn parse(text: &str) -> Way {
        let named = |way: &Way| text.lines().any(|line| line.trim_end().strip_prefix("a=") == Some(way.word()));
        [Way::SendOnly, Way::ReceiveOnly, Way::None].into_iter().find(named).unwrap_or(Way::Both)
    }

    /// The same from the other side.
    pub const fn reversed(self) -> Way {
        match self {
            Way::SendOnly => Way::ReceiveOnly,
            Way::ReceiveOnly => Way::SendOnly,
            Way::Both | Way::None => self,
        }
    }
}

impl Description {
    /// Writes the description. `session` is the number in the `o=` line.
    pub fn write(&self, session: u64) -> String {
        self.write_flow(session, Way::Both)
    }

    /// Writes it with the direction of its audio.
    pub fn write_flow(&self, session: u64, way: Way) -> String {
        let kind = if self.rtp.is_ipv6() { "IP6" } else { "IP4" };
        let (ip, port) = (self.rtp.ip(), self.rtp.port());
        let version = session + 1;
        let mut text = format!(
            "v=0\r\no=FreeSWITCH {session} {version} IN {kind} {ip}\r\ns=FreeSWITCH\r\nc=IN {kind} {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP"
        );
        let payloads =
            self.codecs.iter().map(|c| c.payload_type()).chain(self.telephone_event).chain(self.comfort_noise);
        for payload in payloads {
            write!(text, " {payload}").expect("writing to a String does not fail");
        }
        text.push_str("\r\n");
        for codec in &self.codecs {
            text.push_str(&format!("a=rtpmap:{} {}/8000\r\n", codec.payload_type(), codec.name()));
        }
        if let Some(payload) = self.telephone_event {
            text.push_str(&format!("a=rtpmap:{payload} telephone-event/8000\r\na=fmtp:{payload} 0-15\r\n"));
        }
        if let Some(payload) = self.comfort_noise {
            text.push_str(&format!("a=rtpmap:{payload} CN/8000\r\n"));
        }
        text.push_str(&format!("a=ptime:20\r\na={}\r\n", way.word()));
        text
    }

    /// Reads the first audio stream; `None` when there is none that could be answered.
    pub fn parse(text: &str) -> Option<Description> {
        let mut session_ip = None;
        let mut media_ip = None;
        let mut audio: Option<(u16, Vec<u8>)> = None;
        let mut inside = false;
        let (mut telephone_event, mut comfort_noise) = (None, None);
        for line in text.lines().map(str::trim_end) {
            let Some((kind, value)) = line.split_once('=') else { continue };
            match kind {
                "m" if audio.is_some() => break,
                "m" => {
                    inside = value.starts_with("audio ");
                    if inside {
                        audio = Some(parse_media(value)?);
                    }
                }
                "c" => {
                    let ip: Option<IpAddr> = value.split(' ').nth(2).and_then(|ip| ip.split('/').next()?.parse().ok());
                    if audio.is_some() {
                        media_ip = ip
                    } else if !inside {
                        session_ip = ip
                    }
                }
                "a" if audio.is_some() => {
                    let map = value.strip_prefix("rtpmap:").and_then(|map| map.split_once(' '));
                    let Some((Ok(payload), name)) = map.map(|(payload, name)| (payload.parse(), name)) else {
                        continue;
                    };
                    let name = name.to_ascii_lowercase();
                    if name.starts_with("telephone-event/8000") {
                        telephone_event = Some(payload);
                    } else if name.starts_with("cn/8000") {
                        comfort_noise = Some(payload);
                    }
                }
                _ => {}
            }
        }
        let (port, payloads) = audio?;
        let codecs =
            payloads.iter().filter_map(|p| [Codec::Pcmu, Codec::Pcma].into_iter().find(|c| c.payload_type() == *p));
        let codecs = codecs.collect();
        let listed = |payload: &u8| payloads.contains(payload);
        Some(Description {
            rtp: SocketAddr::new(media_ip.or(session_ip)?, port),
            codecs,
            telephone_event: telephone_event.filter(listed),
            comfort_noise: comfort_noise.filter(listed),
        })
    }
}

/// `audio 27028 RTP/AVP 0 101 13`
fn parse_media(value: &str) -> Option<(u16, Vec<u8>)> {
    let mut words = value.split(' ').skip(1);
    let port = words.next()?.split('/').next()?.parse().ok()?;
    Some((port, words.skip(1).filter_map(|word| word.parse().ok()).collect()))
}

/// The codecs that a list such as `PCMU@8000h@20i,PCMA` names, in its order; those that are not known are left out.
pub fn codecs_named(list: &str) -> Vec<Codec> {
    let known = |name: &str| [Codec::Pcmu, Codec::Pcma].into_iter().find(|c| c.name().eq_ignore_ascii_case(name));
    list.split([',', ':']).filter_map(|one| known(one.split(['@', '.']).next()?.trim())).collect()
}

/// A received description as FreeSWITCH keeps it in `switch_r_sdp`: without the direction that is the default.
pub fn as_kept(text: &str) -> String {
    let mut kept = text.replace("a=sendrecv\r\n", "");
    for way in [Way::SendOnly, Way::ReceiveOnly, Way::None].map(Way::word) {
        // sofia-sip writes the direction before the packet time.
        kept = kept.replace(&format!("a=ptime:20\r\na={way}\r\n"), &format!("a={way}\r\na=ptime:20\r\n"));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURED: &str = "v=0\r\no=FreeSWITCH 1795349812 1795349813 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\n\
        c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 27028 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\na=sendrecv\r\n";

    #[test]
    fn a_captured_description_is_read_and_written_back_the_same() {
        let read = Description::parse(CAPTURED).unwrap();
        assert_eq!(read.rtp, "127.0.0.1:27028".parse().unwrap());
        assert_eq!((read.codecs.as_slice(), read.telephone_event), ([Codec::Pcmu].as_slice(), Some(101)));
        assert_eq!(read.write(1_795_349_812), CAPTURED);
    }

    #[test]
    fn the_address_of_the_stream_counts_before_that_of_the_session() {
        let text = "v=0\nc=IN IP4 10.0.0.1\nm=video 1 RTP/AVP 99\nc=IN IP4 10.0.0.2\nm=audio 5 RTP/AVP 8 0\nc=IN IP4 10.0.0.3\n";
        let read = Description::parse(text).unwrap();
        assert_eq!((read.rtp.to_string().as_str(), read.codecs), ("10.0.0.3:5", vec![Codec::Pcma, Codec::Pcmu]));
    }

    #[test]
    fn broken_descriptions_are_none() {
        for text in
            ["", "m=audio", "m=audio x RTP/AVP 0", "m=audio 1 RTP/AVP 0", "m=audio 99999 RTP/AVP 0\nc=IN IP4 1.1.1.1"]
        {
            assert_eq!(Description::parse(text), None, "{text}");
        }
    }

    #[test]
    fn codec_lists_may_carry_rates_and_strangers() {
        assert_eq!(codecs_named("G722,PCMA@8000h@20i,pcmu"), [Codec::Pcma, Codec::Pcmu]);
        assert!(codecs_named("G722").is_empty());
    }
}
