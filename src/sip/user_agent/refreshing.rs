//! Session timers (RFC 4028) at work: refreshes of ours, and calls that nobody refreshes.

use std::cmp::Reverse;
use std::time::Duration;

use super::writing::add_sdp;
use super::{Pending, Purpose, Role, Tx, UserAgent};
use crate::sip::dialog::{Dialog, Stage};
use crate::sip::session_timer::{Refresher, SessionTimer, min_se};
use crate::sip::{DialogId, Message, SipEvent, SipFailure};
use crate::units::Time;

/// The session timer of one dialog.
#[derive(Debug, Default)]
pub(in crate::sip) struct Session {
    /// Seconds that our INVITE asked for.
    pub(super) asked: Option<u32>,
    /// What was agreed.
    timer: Option<SessionTimer>,
    /// What [`Role::Refresh`] is the one that counts.
    alarm: Option<Tx>,
    /// When it is over without a refresh.
    end: Time,
}

impl Session {
    /// That of a call whose INVITE asks for so many seconds.
    pub fn asking(asked: Option<u32>) -> Session {
        Session { asked, ..Session::default() }
    }

    /// What was agreed.
    pub fn timer(&self) -> Option<SessionTimer> {
        self.timer
    }
}

/// How long after a refusal a refresh is tried again, and after one that found another request on its way.
const AGAIN: Duration = Duration::from_secs(5);
/// The `Reason` with which mod_sofia ends a call that was not refreshed.
const NOT_REFRESHED: &str = "SIP;cause=408;text=\"Session timeout\"";

impl UserAgent {
    /// A refresh came about, or a call: what was agreed holds from now.
    pub(super) fn keep(&mut self, id: DialogId, timer: Option<SessionTimer>) {
        let now = self.now;
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        dialog.session.timer = timer;
        match timer {
            Some(timer) => {
                dialog.session.end = now + timer.life();
                self.set_alarm(id, now + timer.patience());
            }
            None => dialog.session.alarm = None,
        }
    }

    fn set_alarm(&mut self, id: DialogId, at: Time) {
        let tx = self.new_tx();
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        if let Some(before) = dialog.session.alarm.replace(tx) {
            self.transactions.remove(&before);
        }
        self.transactions.insert(tx, Role::Refresh(id));
        self.deadlines.push(Reverse((at, tx)));
    }

    /// Seconds that the session lives after a refresh, where it has a timer.
    pub(super) fn session_of(&self, id: DialogId) -> Option<u32> {
        Some(self.dialogs.get(&id)?.session.timer?.interval)
    }

    /// Forgets the alarms of a dialog that is over.
    pub(super) fn forget_alarms(&mut self, dialog: &Dialog) {
        let glare = dialog.glare.as_ref().map(|(tx, _)| *tx);
        for tx in dialog.session.alarm.into_iter().chain(glare) {
            self.transactions.remove(&tx);
        }
    }

    /// What was to be done by now: refresh, or give up.
    pub(super) fn refresh(&mut self, now: Time, tx: Tx, id: DialogId) {
        self.transactions.remove(&tx);
        let Some(dialog) = self.dialogs.get_mut(&id).filter(|dialog| dialog.session.alarm == Some(tx)) else { return };
        dialog.session.alarm = None;
        let Some(timer) = dialog.session.timer.filter(|_| dialog.stage == Stage::Confirmed) else { return };
        if timer.refresher == Refresher::Them || now >= dialog.session.end {
            self.emit(SipEvent::Failed { dialog: id, failure: SipFailure::NotRefreshed });
            return self.send_bye(id, vec![("Reason".to_owned(), NOT_REFRESHED.to_owned())]);
        }
        if dialog.reinvite_in.is_some() || dialog.reinvite_out.is_some() {
            return self.set_alarm(id, now + AGAIN);
        }
        // FreeSWITCH refreshes by INVITE; without a description of ours only an UPDATE can.
        let sdp = dialog.local_sdp.clone();
        let method = if sdp.is_some() { "INVITE" } else { "UPDATE" };
        let contact = self.contact_of(id);
        let Some(mut request) = self.draft_within(id, method, Some(&contact)) else { return };
        self.add_session_headers(&mut request);
        request.headers.extend(timer.refresh());
        add_sdp(&mut request, sdp.unwrap_or_default());
        self.send_reinvite(now, id, Pending { request, refusals: 0, purpose: Purpose::Refresh });
    }

    /// The final response to a refresh of ours.
    pub(super) fn refreshed(&mut self, now: Time, id: DialogId, code: u16, response: &Message) {
        let Some(dialog) = self.dialogs.get(&id) else { return };
        let asked = dialog.session.timer.map(|timer| timer.interval);
        match code {
            200..300 => self.keep(id, SessionTimer::given(response, asked)),
            // RFC 4028 7.4: they want it longer.
            422 => {
                let interval = min_se(response).unwrap_or(0).max(asked.unwrap_or(0));
                if let Some(dialog) = self.dialogs.get_mut(&id) {
                    dialog.session.timer = Some(SessionTimer { interval, refresher: Refresher::Us });
                }
                self.set_alarm(id, now + AGAIN);
            }
            _ => self.set_alarm(id, now + AGAIN),
        }
    }

    /// Sends our INVITE again if it was refused because the session that it asked for was too short (RFC 4028 7.3).
    pub(super) fn ask_for_longer(&mut self, now: Time, tx: Tx, response: &Message) -> bool {
        let Some(&Role::InviteClient(id)) = self.transactions.get(&tx) else { return false };
        let Some(least) = min_se(response) else { return false };
        let Some(dialog) = self.dialogs.get_mut(&id) else { return false };
        if dialog.session.asked.is_none_or(|asked| asked >= least) {
            return false;
        }
        dialog.session.asked = Some(least);
        let longer = |name: &str, value: &mut String| match name {
            "Session-Expires" | "Min-SE" => *value = least.to_string(),
            _ => {}
        };
        self.send_invite_again(now, tx, id, longer)
    }
}
