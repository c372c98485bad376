//! Hangup causes: FreeSWITCH's names, ITU-T Q.850 values and SIP response codes.
//!
//! Names and values are those of FreeSWITCH's `switch_call_cause_t`; the two SIP tables are those of its mod_sofia,
//! which follow RFC 3398 (7.2.4.1 and 8.2.6.1) and then add to it. The two are no inverses of each other.

use std::fmt;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        /// Why a session ended.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum HangupCause {
            $($(#[$doc])* $name,)*
            /// A cause that FreeSWITCH gained after this was written, or that another switch made up.
            Other(String),
        }

        impl HangupCause {
            /// Every cause that has a number.
            pub const KNOWN: &[HangupCause] = &[$(HangupCause::$name),*];

            /// The name in events: `NORMAL_CLEARING`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HangupCause::$name => $text,)*
                    HangupCause::Other(text) => text,
                }
            }

            /// FreeSWITCH's number: the Q.850 value up to 127, its own above. `None` for [`HangupCause::Other`].
            pub fn number(&self) -> Option<u16> {
                match self {
                    $(HangupCause::$name => Some($value),)*
                    HangupCause::Other(_) => None,
                }
            }
        }
    };
}

causes! {
    None = 0, "NONE";
    UnallocatedNumber = 1, "UNALLOCATED_NUMBER";
    NoRouteTransitNet = 2, "NO_ROUTE_TRANSIT_NET";
    NoRouteDestination = 3, "NO_ROUTE_DESTINATION";
    ChannelUnacceptable = 6, "CHANNEL_UNACCEPTABLE";
    CallAwardedDelivered = 7, "CALL_AWARDED_DELIVERED";
    NormalClearing = 16, "NORMAL_CLEARING";
    UserBusy = 17, "USER_BUSY";
    NoUserResponse = 18, "NO_USER_RESPONSE";
    NoAnswer = 19, "NO_ANSWER";
    SubscriberAbsent = 20, "SUBSCRIBER_ABSENT";
    CallRejected = 21, "CALL_REJECTED";
    NumberChanged = 22, "NUMBER_CHANGED";
    RedirectionToNewDestination = 23, "REDIRECTION_TO_NEW_DESTINATION";
    ExchangeRoutingError = 25, "EXCHANGE_ROUTING_ERROR";
    DestinationOutOfOrder = 27, "DESTINATION_OUT_OF_ORDER";
    InvalidNumberFormat = 28, "INVALID_NUMBER_FORMAT";
    FacilityRejected = 29, "FACILITY_REJECTED";
    ResponseToStatusEnquiry = 30, "RESPONSE_TO_STATUS_ENQUIRY";
    NormalUnspecified = 31, "NORMAL_UNSPECIFIED";
    NormalCircuitCongestion = 34, "NORMAL_CIRCUIT_CONGESTION";
    NetworkOutOfOrder = 38, "NETWORK_OUT_OF_ORDER";
    NormalTemporaryFailure = 41, "NORMAL_TEMPORARY_FAILURE";
    SwitchCongestion = 42, "SWITCH_CONGESTION";
    AccessInfoDiscarded = 43, "ACCESS_INFO_DISCARDED";
    RequestedChanUnavail = 44, "REQUESTED_CHAN_UNAVAIL";
    PreEmpted = 45, "PRE_EMPTED";
    FacilityNotSubscribed = 50, "FACILITY_NOT_SUBSCRIBED";
    OutgoingCallBarred = 52, "OUTGOING_CALL_BARRED";
    IncomingCallBarred = 54, "INCOMING_CALL_BARRED";
    BearercapabilityNotauth = 57, "BEARERCAPABILITY_NOTAUTH";
    BearercapabilityNotavail = 58, "BEARERCAPABILITY_NOTAVAIL";
    ServiceUnavailable = 63, "SERVICE_UNAVAILABLE";
    BearercapabilityNotimpl = 65, "BEARERCAPABILITY_NOTIMPL";
    ChanNotImplemented = 66, "CHAN_NOT_IMPLEMENTED";
    FacilityNotImplemented = 69, "FACILITY_NOT_IMPLEMENTED";
    ServiceNotImplemented = 79, "SERVICE_NOT_IMPLEMENTED";
    InvalidCallReference = 81, "INVALID_CALL_REFERENCE";
    IncompatibleDestination = 88, "INCOMPATIBLE_DESTINATION";
    InvalidMsgUnspecified = 95, "INVALID_MSG_UNSPECIFIED";
    MandatoryIeMissing = 96, "MANDATORY_IE_MISSING";
    MessageTypeNonexist = 97, "MESSAGE_TYPE_NONEXIST";
    WrongMessage = 98, "WRONG_MESSAGE";
    IeNonexist = 99, "IE_NONEXIST";
    InvalidIeContents = 100, "INVALID_IE_CONTENTS";
    WrongCallState = 101, "WRONG_CALL_STATE";
    RecoveryOnTimerExpire = 102, "RECOVERY_ON_TIMER_EXPIRE";
    MandatoryIeLengthError = 103, "MANDATORY_IE_LENGTH_ERROR";
    ProtocolError = 111, "PROTOCOL_ERROR";
    Interworking = 127, "INTERWORKING";
    Success = 142, "SUCCESS";
    OriginatorCancel = 487, "ORIGINATOR_CANCEL";
    Crash = 700, "CRASH";
    SystemShutdown = 701, "SYSTEM_SHUTDOWN";
    LoseRace = 702, "LOSE_RACE";
    ManagerRequest = 703, "MANAGER_REQUEST";
    BlindTransfer = 800, "BLIND_TRANSFER";
    AttendedTransfer = 801, "ATTENDED_TRANSFER";
    AllottedTimeout = 802, "ALLOTTED_TIMEOUT";
    UserChallenge = 803, "USER_CHALLENGE";
    MediaTimeout = 804, "MEDIA_TIMEOUT";
    PickedOff = 805, "PICKED_OFF";
    UserNotRegistered = 806, "USER_NOT_REGISTERED";
    ProgressTimeout = 807, "PROGRESS_TIMEOUT";
    InvalidGateway = 808, "INVALID_GATEWAY";
    GatewayDown = 809, "GATEWAY_DOWN";
    InvalidUrl = 810, "INVALID_URL";
    InvalidProfile = 811, "INVALID_PROFILE";
    NoPickup = 812, "NO_PICKUP";
    SrtpReadError = 813, "SRTP_READ_ERROR";
    Bowout = 814, "BOWOUT";
    BusyEverywhere = 815, "BUSY_EVERYWHERE";
    Decline = 816, "DECLINE";
    DoesNotExistAnywhere = 817, "DOES_NOT_EXIST_ANYWHERE";
    NotAcceptable = 818, "NOT_ACCEPTABLE";
    Unwanted = 819, "UNWANTED";
    NoIdentity = 820, "NO_IDENTITY";
    BadIdentityInfo = 821, "BAD_IDENTITY_INFO";
    UnsupportedCertificate = 822, "UNSUPPORTED_CERTIFICATE";
    InvalidIdentity = 823, "INVALID_IDENTITY";
    StaleDate = 824, "STALE_DATE";
    RejectAll = 825, "REJECT_ALL";
}

impl HangupCause {
    /// The cause called `text`, in any case. What is not known survives as [`HangupCause::Other`].
    pub fn parse(text: &str) -> HangupCause {
        Self::known(text).unwrap_or_else(|| HangupCause::Other(text.to_owned()))
    }

    /// What FreeSWITCH makes of a cause in a command: a name in any case, a number, and `NORMAL_CLEARING` for
    /// everything else (`switch_channel_str2cause`).
    pub fn from_command(text: &str) -> HangupCause {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            return digits.parse().ok().and_then(Self::from_number).unwrap_or(HangupCause::NormalClearing);
        }
        Self::known(text).unwrap_or(HangupCause::NormalClearing)
    }

    /// The cause of FreeSWITCH's `number`.
    pub fn from_number(number: u16) -> Option<HangupCause> {
        Self::KNOWN.iter().find(|cause| cause.number() == Some(number)).cloned()
    }

    /// The cause of a Q.850 value, which is below 128.
    pub fn from_q850(value: u16) -> Option<HangupCause> {
        if value < 128 { Self::from_number(value) } else { None }
    }

    /// The Q.850 value: causes of FreeSWITCH's own count as normal clearing (16).
    pub fn q850(&self) -> u16 {
        self.number().filter(|number| *number < 128).unwrap_or(16)
    }

    /// The cause of a final SIP response to an INVITE (mod_sofia's `sofia_glue_sip_cause_to_freeswitch`).
    pub fn from_sip_code(code: u16) -> HangupCause {
        use HangupCause::*;
        match code {
            200 => NormalClearing,
            401..=403 | 407 | 603 | 608 => CallRejected,
            607 => Unwanted,
            404 => UnallocatedNumber,
            485 | 604 => NoRouteDestination,
            408 | 504 => RecoveryOnTimerExpire,
            410 => NumberChanged,
            413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => Interworking,
            480 => NoUserResponse,
            400 | 481 | 500 | 503 => NormalTemporaryFailure,
            486 | 600 => UserBusy,
            484 => InvalidNumberFormat,
            488 | 606 => IncompatibleDestination,
            502 => NetworkOutOfOrder,
            405 => ServiceUnavailable,
            406 | 415 | 501 => ServiceNotImplemented,
            482 | 483 => ExchangeRoutingError,
            487 => OriginatorCancel,
            428 => NoIdentity,
            429 => BadIdentityInfo,
            437 => UnsupportedCertificate,
            438 => InvalidIdentity,
            _ => NormalUnspecified,
        }
    }

    /// The SIP response that refuses a call with this cause (mod_sofia's `hangup_cause_to_sip`).
    pub fn sip_code(&self) -> u16 {
        use HangupCause::*;
        match self {
            UnallocatedNumber | NoRouteTransitNet | NoRouteDestination => 404,
            UserBusy => 486,
            NoUserResponse => 408,
            NoAnswer | SubscriberAbsent | NormalUnspecified => 480,
            CallRejected | Decline | RejectAll => 603,
            NumberChanged | RedirectionToNewDestination => 410,
            DestinationOutOfOrder | InvalidProfile => 502,
            InvalidNumberFormat | InvalidUrl | InvalidGateway => 484,
            FacilityRejected | FacilityNotImplemented | ServiceNotImplemented => 501,
            RequestedChanUnavail
            | NormalCircuitCongestion
            | NetworkOutOfOrder
            | NormalTemporaryFailure
            | SwitchCongestion
            | GatewayDown
            | BearercapabilityNotavail => 503,
            OutgoingCallBarred | IncomingCallBarred | BearercapabilityNotauth | StaleDate => 403,
            BearercapabilityNotimpl | IncompatibleDestination => 488,
            RecoveryOnTimerExpire => 504,
            OriginatorCancel => 487,
            ExchangeRoutingError => 483,
            BusyEverywhere => 600,
            DoesNotExistAnywhere => 604,
            NotAcceptable => 606,
            Unwanted => 607,
            NoIdentity => 428,
            BadIdentityInfo => 429,
            UnsupportedCertificate => 437,
            InvalidIdentity => 438,
            _ => 480,
        }
    }

    fn known(text: &str) -> Option<HangupCause> {
        Self::KNOWN.iter().find(|cause| cause.as_str().eq_ignore_ascii_case(text)).cloned()
    }
}

impl fmt::Display for HangupCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_name_and_its_number() {
        for cause in HangupCause::KNOWN {
            assert_eq!(&HangupCause::parse(cause.as_str()), cause);
            assert_eq!(cause.number().and_then(HangupCause::from_number).as_ref(), Some(cause));
        }
    }

    #[test]
    fn a_cause_of_tomorrow_survives() {
        assert_eq!(HangupCause::parse("SOLAR_FLARE").to_string(), "SOLAR_FLARE");
        assert_eq!(HangupCause::parse("SOLAR_FLARE").q850(), 16);
    }

    // Pairs seen in the captured streams: sip_invite_failure_status with Hangup-Cause, hangup_cause_q850 with it.
    #[test]
    fn causes_and_codes_pair_as_they_do_in_the_captures() {
        assert_eq!(HangupCause::from_sip_code(404), HangupCause::UnallocatedNumber);
        assert_eq!(HangupCause::from_sip_code(486), HangupCause::UserBusy);
        assert_eq!(HangupCause::from_sip_code(503), HangupCause::NormalTemporaryFailure);
        assert_eq!(HangupCause::CallRejected.sip_code(), 603);
        assert_eq!(HangupCause::from_sip_code(603), HangupCause::CallRejected);
        let q850 = [HangupCause::OriginatorCancel, HangupCause::AllottedTimeout, HangupCause::NoAnswer];
        assert_eq!(q850.map(|c| c.q850()), [16, 16, 19]);
    }

    #[test]
    fn a_command_takes_names_in_any_case_numbers_and_nonsense() {
        let taken = ["user_busy", "17", "17abc", "9999", "NONSENSE", ""].map(HangupCause::from_command);
        use HangupCause::*;
        assert_eq!(taken, [UserBusy, UserBusy, UserBusy, NormalClearing, NormalClearing, NormalClearing]);
    }
}
