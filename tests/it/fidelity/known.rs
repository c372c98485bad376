//! Differences from FreeSWITCH that are meant.

/// A difference, and why it is none to mend.
pub struct Known {
    /// The flow, or `*`.
    pub flow: &'static str,
    /// Words that the difference has, with `*` for any text between.
    pub difference: &'static str,
    /// Told to whoever reads this table, and the guide.
    pub reason: &'static str,
}

impl Known {
    pub fn matches(&self, flow: &str, difference: &str) -> bool {
        if self.flow != "*" && self.flow != flow {
            return false;
        }
        let mut rest = difference;
        self.difference.split('*').all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

/// The table as a page of the guide.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    for Known { flow, difference, reason } in KNOWN {
        let cell = |text: &str| text.trim().replace('|', "\\|");
        page.push_str(&format!("| {} | `{}` | {} |\n", cell(flow), cell(difference), cell(reason)));
    }
    page + TAIL
}

const HEAD: &str = "\
# The embedded switch against FreeSWITCH

What a real FreeSWITCH 1.10.12 sent in a number of flows is kept with callwright's tests. Each flow is played to the embedded
switch as well, and must give the same events in the same order per session, with the same headers in the same order and the
same values, but for ids, times and ports. What still differs is in this table, each with its reason; a difference that is not
in it fails a test, and so does a row that no flow needs any more.

`*` stands for any flow, or any text. `inbound` is the called leg, `outbound` the calling one.

| flow | what differs | why |
|---|---|---|
";

const TAIL: &str = "
## Programs that serve calls

The application `socket HOST:PORT [async] [full]` connects to a program that listens there and gives it the session, as
FreeSWITCH's outbound event socket does: the program says `connect`, is told all of the channel, and goes on with `myevents`,
`sendmsg` without a uuid, `getvar`, `linger`, `resume` and, with `full`, every other command. What a FreeSWITCH said to the same
program is kept with the tests, byte for byte where it counts: what comes after a hangup, what is refused without `full`, what
becomes of a session whose program goes away. Where nobody listens the application is done.

    callwright switch
    fs_cli -x \"originate sofia/external/1001@127.0.0.1:5080 '&socket(127.0.0.1:8084 async full)'\"

Whoever listens there needs no password, so the switch connects to its own machine alone; `callwright switch --allow-socket
10.0.0.0/24` names a network more. It holds a thousand such connections at once and waits ten seconds for each. Scenarios name
the application only where programs are allowed (`--allow-system`).

What differs: `divert_events` is answered and diverts nothing, and after the hangup nothing more is run that a program without
`async` sends.
";

const fn known(flow: &'static str, difference: &'static str, reason: &'static str) -> Known {
    Known { flow, difference, reason }
}

pub const KNOWN: &[Known] = &[
    known(
        "*",
        "outbound: *variable_switch_r_sdp is *IP4 127.0.0.1* not *IP4 192.0.2.2",
        "sofia-sip puts the machine's address into the o= line of a 200; nobody reads it",
    ),
    known("ringback-180", "inbound: *no variable_sip_to_tag", "the user agent makes the tag: known with the ACK"),
    known(
        "originate-unreachable",
        "outbound: *no variable_sip_call_id",
        "the user agent makes the Call-ID of a lost INVITE",
    ),
    // FreeSWITCH's originate looks at its leg every 20 ms, by a clock of its own: what a command finds then is chance.
    known("tone-echo", "outbound: CHANNEL_EXECUTE playback is", "sent before the originate had seen the answer"),
    known("tone-echo", "outbound: CHANNEL_EXECUTE_COMPLETE playback is", "so it runs before the leg is parked"),
    known("tone-echo", "outbound: PRIVATE_COMMAND playback is", "and is done before"),
    known("tone-echo", "outbound: PLAYBACK_START is too many", "FreeSWITCH's never sounds"),
    known("tone-echo", "outbound: PLAYBACK_STOP is too many", "so it does not stop"),
    known("tone-echo", "outbound: * variable_playback_", "nor tell how long it was"),
    known("tone-echo", "outbound: * variable_current_application", "the last application is another one"),
    known("tone-echo", "outbound: * variable_current_loop", "and its loop"),
    known("tone-echo", "outbound: * variable_total_loops", "and its loops"),
    known("tone-echo", "outbound: * variable_last_a", "and what the end tells of it"),
    known("tone-echo", "outbound: * Application-Response is \"FILE PLAYED\", not \"_none_\"", "and its response"),
    known("play-break-mute", "outbound: CHANNEL_EXECUTE playback is", "sent before the originate had seen the answer"),
    known("play-break-mute", "outbound: CHANNEL_EXECUTE_COMPLETE playback is", "so it runs before the leg is parked"),
    known("play-break-mute", "outbound: PRIVATE_COMMAND playback is", "and is done before"),
    known("play-break-mute", "outbound: PLAYBACK_ST", "and FreeSWITCH's sounds but for a moment"),
    known("play-break-mute", "outbound: * variable_playback_", "and tells how long that was"),
    known("play-break-mute", "outbound: * variable_current_", "and the application is known earlier"),
    known("play-break-mute", "outbound: * variable_total_loops", "and its loops"),
    known(
        "hold-unhold",
        "outbound: * Caller-Channel-Hold-Accum",
        "the hold of a leg that is about to park takes no time here",
    ),
    known(
        "hold-unhold",
        "inbound: * order, variable_sip_h_X-call where",
        "mod_sofia sets the codec again with each offer",
    ),
    known(
        "hold-unhold",
        "outbound: * order, variable_",
        "the hold's description is kept at its event, and told by its 200",
    ),
    known(
        "hold-unhold",
        "outbound: * variable_remote_audio_media_flow is",
        "which comes at once here, and 20 ms later there",
    ),
    known("hold-unhold", "* no variable_hold_", "the list of holds is not kept"),
    known(
        "play-record",
        "outbound: * variable_record_sample_rate",
        "set before FreeSWITCH's originate looked, and after ours",
    ),
    known("utf8-and-odd-values", "outbound: CALL_UPDATE is missing", "FreeSWITCH's originate looked after the hangup"),
    known("utf8-and-odd-values", "outbound: * no variable_channel_cid_flipped", "and turned the leg's caller around"),
    known("utf8-and-odd-values", "outbound: * no variable_pre_transfer_caller_id", "as it does when it succeeds"),
    known("utf8-and-odd-values", "outbound: * Channel-HIT-Dialplan is \"false\"", "though it was too late"),
    known("utf8-and-odd-values", "outbound: * Caller-Callee-ID", "the callee is the caller"),
    known("utf8-and-odd-values", "outbound: * Caller-Caller-ID", "and the caller the callee"),
    known("utf8-and-odd-values", "switch: BACKGROUND_JOB 1: ", "and the job says +OK for a leg that is gone"),
    known(
        "sched-dtmf-broadcast",
        "inbound: DTMF is missing",
        "FreeSWITCH's scheduler counts whole seconds, so it was early",
    ),
    known("sched-dtmf-broadcast", " variable_digits_dialed is", "and the digits came before the hangup"),
    known("sched-dtmf-broadcast", "_dtmf_packet_count is", "as did their packets"),
    // FreeSWITCH tells a bridged FreeSWITCH whom it is connected to, by INFO with message/update_display.
    known(
        "bridge-proxy",
        "inbound: *variable_switch_m_sdp is *IP4 127.0.0.1* not *IP4 192.0.2.2",
        "the o= line of the other leg's 200, as above",
    ),
    known("bridge-proxy", "RECV_INFO is missing", "no display is updated"),
    known("bridge-proxy", "inbound: CALL_UPDATE is missing", "no display is updated"),
    known("bridge-proxy", "outbound: CALL_UPDATE is missing", "no display is updated"),
    known("bridge-proxy", "variable_last_sent_callee_id_", "no display is updated"),
    known("bridge-proxy", "outbound: * Caller-Call", "no display is updated"),
    known("bridge-proxy", "outbound: * variable_caller_id is", "no display is updated"),
    known("bridge-proxy", "inbound: CHANNEL_BRIDGE 1: *variable_sip_", "FreeSWITCH waits for the ACK"),
    known("bridge-proxy", "inbound: * order, variable_", "whose variables then stand in front of those of the bridge"),
    known("bridge-proxy", "outbound: * no variable_sip_reason", "the other leg's BYE is not told of"),
    known("bridge-proxy", "outbound: * no variable_sip_hangup_phrase", "the other leg's BYE is not told of"),
    known("bridge-proxy", "outbound: * order, variable_", "the other leg's BYE is not told of"),
    known(
        "bridge-proxy",
        "outbound: CHANNEL_DESTROY 1: ",
        "FreeSWITCH gives the leg its own name back at its very end",
    ),
    known("bridge-proxy", "outbound: CHANNEL_STATE CS_DESTROY 1: ", "as above"),
    // Likewise in the BERT flows: the caller's test ran before the leg was parked in three of them, and so ended at once.
    known(
        "bert-in-sync",
        "outbound: CALL_UPDATE 1: has variable_bert_stats_sync_lost",
        "FreeSWITCH's test set them later",
    ),
    known("bert-in-sync", "outbound: * order, variable_bert_stats_sync_lost_count", "and behind those of the update"),
    known("bert-against-echo", "outbound: CALL_UPDATE 1: has variable_bert_stats_sync_lost", "as above"),
    known("bert-against-echo", "outbound: * order, variable_", "as above"),
    known("bert-timeout", "outbound: * order, variable_", "as above"),
    known(
        "*",
        "outbound: * bert_test 1: Channel-State-Number is \"7\", not \"4\"",
        "the test ends as the state changes",
    ),
    known("bert-timeout", "outbound: CALL_UPDATE is ", "the originate looked just before the command"),
    known("bert-timeout", "outbound: CHANNEL_EXECUTE bert_test 1: ", "so that it had turned the leg's caller around"),
    known("bert-lost-sync", "outbound: * has variable_bert_", "our originate looked after the variables were set"),
    known("bert-lost-sync", "outbound: * order, variable_bert_timer_name", "so they stand in front"),
    known("bert-lost-sync", "outbound: CUSTOM 2: cng_count is \"0\", not \"4\"", "frames of a real wire came late"),
];
