//! What became of a leg's media: the `rtp_audio_*` variables.

use crate::media::LegStats;

use super::channel::Channel;

/// A telephone event with its RTP header (RFC 4733 2.3, RFC 3550 5.1).
const TELEPHONE_EVENT_BYTES: u64 = 16;

/// Sets the statistics of a leg, in FreeSWITCH's order (`switch_core_media_set_stats`).
///
/// What this switch does not measure (jitter buffer, RTCP) reads as FreeSWITCH's does on a clean line.
pub fn set_statistics(channel: &mut Channel, stats: &LegStats) {
    // Telephone events are no media, and those that are sent no packets either.
    let (digits_in, digits_out) = (stats.received_telephone_events, stats.sent_telephone_events);
    let media = |bytes: u64, digits: u64| bytes.saturating_sub(digits * TELEPHONE_EVENT_BYTES);
    let counts = [
        ("in_raw_bytes", stats.received_bytes),
        ("in_media_bytes", media(stats.received_bytes, digits_in)),
        ("in_packet_count", stats.received_packets),
        ("in_media_packet_count", stats.received_packets.saturating_sub(digits_in)),
        ("in_skip_packet_count", stats.skipped_packets),
        ("in_jitter_packet_count", 0),
        ("in_dtmf_packet_count", digits_in),
        ("in_cng_packet_count", 0),
        ("in_flush_packet_count", 0),
        ("in_largest_jb_size", 0),
    ];
    for (name, count) in counts {
        channel.variables.set(&format!("rtp_audio_{name}"), count.to_string());
    }
    let lost =
        if stats.received_packets == 0 { 0.0 } else { stats.lost_packets as f64 / stats.received_packets as f64 };
    let (min_variance, max_variance) = stats.interval_variance;
    let reals = [
        ("in_jitter_min_variance", min_variance),
        ("in_jitter_max_variance", max_variance),
        ("in_jitter_loss_rate", lost),
        ("in_jitter_burst_rate", 0.0),
        ("in_mean_interval", stats.mean_interval),
    ];
    for (name, value) in reals {
        channel.variables.set(&format!("rtp_audio_{name}"), format!("{value:.2}"));
    }
    // Whole percents of packets without a flaw stand for R, and for MOS as in ITU-T G.107 annex B.
    let quality = ((1.0 - lost) * 100.0).trunc();
    let quality = if (0.0..=100.0).contains(&quality) { quality } else { 100.0 };
    let mos = 1.0 + 0.035 * quality + 7e-6 * quality * (quality - 60.0) * (100.0 - quality);
    channel.variables.set("rtp_audio_in_flaw_total", stats.lost_packets.to_string());
    channel.variables.set("rtp_audio_in_quality_percentage", format!("{quality:.2}"));
    channel.variables.set("rtp_audio_in_mos", format!("{mos:.2}"));
    let counts = [
        ("out_raw_bytes", stats.sent_bytes),
        ("out_media_bytes", media(stats.sent_bytes, digits_out)),
        ("out_packet_count", stats.sent_packets.saturating_sub(digits_out)),
        ("out_media_packet_count", stats.sent_packets.saturating_sub(digits_out)),
        ("out_skip_packet_count", 0),
        ("out_dtmf_packet_count", digits_out),
        ("out_cng_packet_count", 0),
        ("rtcp_packet_count", 0),
        ("rtcp_octet_count", 0),
    ];
    for (name, count) in counts {
        channel.variables.set(&format!("rtp_audio_{name}"), count.to_string());
    }
}
