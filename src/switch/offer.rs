//! Between the codecs of the media and the payloads of session descriptions.

use crate::media::Codec;
use crate::sip::sdp::{self, Description, Direction, Negotiated, Payload};

const KNOWN: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

/// What a description says of a codec.
fn payload(codec: Codec) -> Payload {
    Payload::new(codec.payload_type(), codec.name(), 8_000)
}

/// The same for several.
pub fn payloads(codecs: &[Codec]) -> Vec<Payload> {
    codecs.iter().map(|codec| payload(*codec)).collect()
}

/// The codecs of a description that the media has, in its order.
pub fn codecs_of(description: &Description) -> Vec<Codec> {
    description.payloads.iter().filter_map(|p| codec_named(&p.name)).collect()
}

fn codec_named(name: &str) -> Option<Codec> {
    KNOWN.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
}

/// What `text`, an offer or an answer, has in common with `ours`; `None` when that is nothing.
pub fn agree(text: &str, ours: &[Codec]) -> Option<(Codec, Negotiated)> {
    let agreed = sdp::answer(&Description::parse(text).ok()?, &payloads(ours)).ok()?;
    Some((codec_named(&agreed.codec.name)?, agreed))
}

/// The codecs that a list such as `PCMU@8000h@20i,PCMA` names, in its order; those that are not known are left out.
pub fn codecs_in_list(list: &str) -> Vec<Codec> {
    list.split([',', ':']).filter_map(|one| codec_named(one.split(['@', '.']).next()?.trim())).collect()
}

/// A received description as FreeSWITCH keeps it in `switch_r_sdp`: without the direction that is the default.
pub fn as_kept(text: &str) -> String {
    let mut kept = text.replace("a=sendrecv\r\n", "");
    for way in [Direction::SendOnly, Direction::RecvOnly, Direction::Inactive].map(Direction::name) {
        // sofia-sip writes the direction before the packet time.
        kept = kept.replace(&format!("a=ptime:20\r\na={way}\r\n"), &format!("a={way}\r\na=ptime:20\r\n"));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_lists_may_carry_rates_and_strangers() {
        assert_eq!(codecs_in_list("G722,PCMA@8000h@20i,pcmu"), [Codec::Pcma, Codec::Pcmu]);
        assert!(codecs_in_list("G722").is_empty());
    }

    #[test]
    fn the_other_sides_first_codec_that_we_have_is_taken() {
        let offer =
            "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18 8 0\r\n";
        let (codec, agreed) = agree(offer, &[Codec::Pcmu, Codec::Pcma]).unwrap();
        assert_eq!((codec, agreed.remote.to_string().as_str()), (Codec::Pcma, "10.0.0.1:4000"));
        assert!(agree(offer, &[]).is_none() && agree("", &[Codec::Pcmu]).is_none());
    }
}
