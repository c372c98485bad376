//! Whether there are ports enough for the media of the tests.

use super::super::{Facts, Finding, Question};

const NAME: &str = "rtp";
/// What FreeSWITCH takes where nothing is configured.
const DEFAULT: (usize, usize) = (16_384, 32_768);
/// Two legs of a call on this host, with a port for RTP and one for RTCP each.
const PORTS_OF_A_CALL: usize = 4;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.host.is_none() {
        return Vec::new();
    }
    let range = if facts.is_embedded() { Some(DEFAULT) } else { facts.answer(Question::SwitchConf).map(range) };
    let Some((first, last)) = range else {
        return vec![Finding::unknown(
            NAME,
            "it does not tell its RTP ports (`xml_locate configuration configuration name switch.conf`)",
            "see rtp-start-port and rtp-end-port in switch.conf.xml",
        )];
    };
    let calls = (last + 1).saturating_sub(first) / PORTS_OF_A_CALL;
    vec![if calls < facts.slots {
        Finding::problem(
            NAME,
            format!("RTP ports {first} to {last} are enough for {calls} calls, and {} run side by side", facts.slots),
            "<param name=\"rtp-start-port\" value=\"16384\"/> and <param name=\"rtp-end-port\" value=\"32766\"/> in \
             switch.conf.xml, and restart FreeSWITCH; open the range in the firewall",
        )
    } else {
        Finding::ok(NAME, format!("RTP ports {first} to {last}: enough for {calls} calls"))
    }]
}

/// First and last port of a `switch.conf`.
fn range(xml: &str) -> (usize, usize) {
    let value = |name: &str| {
        let param = xml.split("<param ").find(|param| param.contains(&format!("\"{name}\"")))?;
        param.split_once("value=\"")?.1.split('"').next()?.parse().ok()
    };
    (value("rtp-start-port").unwrap_or(DEFAULT.0), value("rtp-end-port").unwrap_or(DEFAULT.1))
}
