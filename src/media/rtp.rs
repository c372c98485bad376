//! RTP packets as bytes (RFC 3550 5.1).
//!
//! Header extensions and contributing sources are skipped when read and never written.

use rtp_types::{RtpPacket, RtpPacketBuilder, RtpParseError};

/// The payload type of comfort noise (RFC 3389).
pub const COMFORT_NOISE: u8 = 13;

/// One packet, its payload without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// For audio: the first packet after a silence (RFC 3551 4.1).
    pub marker: bool,
    /// Seven bits.
    pub payload_type: u8,
    pub sequence: u16,
    /// In samples.
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    #[error("{actual} bytes are too few for an RTP packet that needs {needed}")]
    Truncated { needed: usize, actual: usize },
    #[error("RTP version {0} is not 2")]
    Version(u8),
    #[error("an RTP padding of {0} bytes cannot be")]
    Padding(u8),
}

impl<'a> Packet<'a> {
    /// Reads the header and finds the payload.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let packet = RtpPacket::parse(bytes).map_err(|error| match error {
            RtpParseError::UnsupportedVersion(version) => RtpError::Version(version),
            RtpParseError::Truncated { expected, actual } => RtpError::Truncated { needed: expected, actual },
            RtpParseError::PaddingInvalid(padding) => RtpError::Padding(padding),
        })?;
        let start = packet.payload_offset();
        Ok(Packet {
            marker: packet.marker_bit(),
            payload_type: packet.payload_type(),
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
            payload: &bytes[start..start + packet.payload_len()],
        })
    }

    /// The packet as it goes over the wire. The high bit of `payload_type` is dropped.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(RtpPacket::MIN_RTP_PACKET_LEN + self.payload.len());
        let builder: RtpPacketBuilder<&[u8], &[u8]> = RtpPacketBuilder::new()
            .marker_bit(self.marker)
            .payload_type(self.payload_type & 0x7f)
            .sequence_number(self.sequence)
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(self.payload);
        // Nothing is left to check: no contributing sources, extension or padding, and seven bits of payload type.
        builder.write_into_vec_unchecked(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_is_laid_out_as_rfc_3550_draws_it() {
        let packet = Packet {
            marker: true,
            payload_type: 8,
            sequence: 0x1234,
            timestamp: 160,
            ssrc: 0xdead_beef,
            payload: b"ab",
        };
        let bytes = [0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, b'a', b'b'];
        assert_eq!(packet.encode(), bytes);
        assert_eq!(Packet::parse(&bytes), Ok(packet));
    }

    #[test]
    fn sources_extension_and_padding_are_skipped() {
        let mut bytes = vec![0b1011_0001, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([9, 9, 9, 9]); // one contributing source
        bytes.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]); // an extension of one word
        bytes.extend(*b"heard");
        bytes.extend([0, 0, 3]); // three bytes of padding
        assert_eq!(Packet::parse(&bytes).unwrap().payload, b"heard");
    }

    #[test]
    fn what_is_no_rtp_is_told_why() {
        assert_eq!(
            Packet::parse(&[0x80; 5]).unwrap_err().to_string(),
            "5 bytes are too few for an RTP packet that needs 12"
        );
        assert_eq!(Packet::parse(&[0; 12]).unwrap_err(), RtpError::Version(0));
        let mut padded = [0; 13];
        padded[0] = 0xa0;
        assert_eq!(Packet::parse(&padded).unwrap_err(), RtpError::Padding(0));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Packet::parse(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            let _ = Packet::parse(&bytes);
        }
    }
}
