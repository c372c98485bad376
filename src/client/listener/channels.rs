//! The channels that a host has: those that were there before the client, those that came or went while it was away,
//! and those that its apps take up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::orders::Answer;
use super::super::recovery::{self, Listed};
use super::super::{HostError, Notice, Recovery, Waiting};
use super::{Asked, Listener, Looked, Output, Standing};
use crate::esl::{Command, Event, Reply, header};
use crate::host::Token;
use crate::id::SessionId;

/// A host that came back, while it is asked what there is.
#[derive(Default)]
pub(super) struct Recovering {
    pub away: Duration,
    lost: Vec<SessionId>,
    found: Vec<SessionId>,
    kept: usize,
    dumps: usize,
}

impl Recovering {
    /// One that was away for so long.
    pub fn after(away: Duration) -> Recovering {
        Recovering { away, ..Recovering::default() }
    }
}

/// Sessions that are being taken up.
pub(super) struct TakingUp {
    which: Waiting,
    /// Channels of which not all is known yet.
    open: usize,
    taken: usize,
    pub answer: Answer<Result<usize, HostError>>,
}

/// Asks which channels there are.
pub(super) fn question() -> Command {
    Command::api("show channels as json")
}

impl Listener {
    /// The host told which channels there are: those of ours that are not among them are lost.
    pub(super) fn handle_channels(&mut self, reply: &Reply) {
        let mut listed = recovery::listed(&reply.text);
        let there: HashSet<&SessionId> = listed.iter().map(|listed| &listed.id).collect();
        let gone: Vec<_> = self.sessions.keys().filter(|id| !there.contains(id)).cloned().collect();
        self.others.retain(|id| there.contains(id));
        if std::mem::replace(&mut self.looked, Looked::Once) == Looked::Never {
            // A session whose creation is still on its way is none of these, once that is here.
            let before = listed.iter().map(|listed| &listed.id).filter(|id| !self.sessions.contains_key(*id));
            self.others.extend(before.cloned());
        }
        let Some(recovering) = &mut self.recovering else { return };
        listed.retain(|listed| !self.others.contains(&listed.id));
        recovering.dumps = listed.len();
        recovering.lost.clone_from(&gone);
        for id in &gone {
            self.lose_session(id, "it was not there any more when the host came back");
        }
        for listed in listed {
            self.ask(dump(&listed), Asked::Dump(listed));
        }
    }

    /// All about a channel that is there: what was missed of it is made up for.
    pub(super) fn handle_dump(&mut self, listed: &Listed, reply: &Reply) {
        let known = self.sessions.contains_key(&listed.id);
        self.make_up(listed, reply);
        let there = self.sessions.contains_key(&listed.id);
        if let Some(recovering) = &mut self.recovering {
            recovering.dumps = recovering.dumps.saturating_sub(1);
            match (known, there) {
                (true, _) => recovering.kept += 1,
                (false, true) => recovering.found.push(listed.id.clone()),
                (false, false) => {}
            }
        }
    }

    /// Tells what became of the sessions of a host that came back, once all is known.
    pub(super) fn tell_recovered(&mut self) {
        let done = self.recovering.take_if(|recovering| recovering.dumps == 0);
        if let Some(Recovering { away, lost, found, kept, .. }) = done {
            self.outputs.push_back(Output::Notice(Notice::Back(Recovery { away, kept, lost, found })));
        }
    }

    /// Has apps take up what waits for them on the host.
    pub(super) fn take_up(&mut self, which: Waiting, answer: Answer<Result<usize, HostError>>) {
        let token = self.ask(question(), Asked::Waiting);
        self.taking_up.insert(token, TakingUp { which, open: 0, taken: 0, answer });
    }

    /// The host told which channels there are: those that are parked, and that no app knows of, are looked at.
    pub(super) fn handle_waiting(&mut self, by: Token, reply: &Reply) {
        let mut listed = recovery::listed(&reply.text);
        listed.retain(|listed| {
            let known = self.sessions.get(&listed.id);
            let unknown_to_apps = known.is_some_and(|kept| kept.standing == Standing::Unknown);
            listed.parked && (unknown_to_apps || self.others.contains(&listed.id))
        });
        if let Some(taking_up) = self.taking_up.get_mut(&by) {
            taking_up.open = listed.len();
        }
        for listed in listed {
            self.ask(dump(&listed), Asked::Adopt { listed, by });
        }
        self.tell_taken_up(by);
    }

    /// All about a channel that waits.
    pub(super) fn handle_adopt(&mut self, listed: &Listed, by: Token, reply: &Reply) {
        let which = self.taking_up.get(&by).map(|taking_up| taking_up.which);
        let taken = which.is_some_and(|which| self.adopt(which, listed, reply));
        if let Some(taking_up) = self.taking_up.get_mut(&by) {
            taking_up.open = taking_up.open.saturating_sub(1);
            taking_up.taken += usize::from(taken);
        }
        self.tell_taken_up(by);
    }

    /// Gives a channel to the apps that are loaded for it; whether there are any.
    fn adopt(&mut self, which: Waiting, listed: &Listed, reply: &Reply) -> bool {
        let Some(dump) = recovery::dumped(&reply.text, listed) else { return false };
        let unwanted = which == Waiting::Unanswered && recovery::is_answered(&dump);
        if unwanted || dump.header(header::CALL_DIRECTION) == Some("outbound") {
            return false;
        }
        let Some(group) = self.groups.group_of(&self.config.tracker.app_header, &dump) else { return false };
        let before = self.sessions.get(&listed.id).map(|kept| (kept.session.clone(), kept.standing));
        match before {
            None => self.make_up(listed, reply),
            Some((session, Standing::Unknown)) => {
                self.introduce(&session, group);
                self.track(&Arc::new(recovery::renamed(&dump, "CHANNEL_PARK")));
            }
            // Its next event was quicker.
            Some((_, Standing::Known | Standing::Refused)) => {}
        }
        self.sessions.get(&listed.id).is_some_and(|kept| kept.standing == Standing::Known)
    }

    fn tell_taken_up(&mut self, by: Token) {
        if self.taking_up.get(&by).is_none_or(|taking_up| taking_up.open > 0) {
            return;
        }
        let Some(TakingUp { taken, answer, .. }) = self.taking_up.remove(&by) else { return };
        if taken > 0 {
            self.outputs.push_back(Output::Notice(Notice::TookUp { sessions: taken }));
        }
        // Nobody may wait for it any more.
        let _ = answer.send(Ok(taken));
    }

    /// Takes over what was missed of a channel.
    fn make_up(&mut self, listed: &Listed, reply: &Reply) {
        let state = self.tracker.session(listed.id.as_str()).map(|session| session.state);
        let parked = self.sessions.get(&listed.id).is_some_and(|kept| kept.session.is_parked());
        let missed: Vec<Event> = recovery::missed(&reply.text, state, listed, parked);
        for event in missed {
            self.track(&Arc::new(event));
        }
    }
}

fn dump(listed: &Listed) -> Command {
    Command::api(&format!("uuid_dump {} json", listed.id))
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot, watch};

    use super::super::super::orders::{Desk, Order};
    use super::super::super::{ClientConfig, Link};
    use super::*;
    use crate::app::{App, AppError, Group};
    use crate::client::Session;
    use crate::clock::Clock;
    use crate::host::{HostEvent, Lost, Request};
    use crate::units::Time;

    /// A listener whose host is played by hand.
    struct Bench {
        listener: Listener,
        orders: mpsc::UnboundedReceiver<Order>,
        _link: watch::Sender<Link>,
        told: Vec<Notice>,
    }

    /// Tells which sessions came to be.
    struct Came(mpsc::UnboundedSender<String>);

    impl App for Came {
        fn on_created(&mut self, session: &Session) -> Result<(), AppError> {
            Ok(self.0.send(session.id().to_string())?)
        }

        fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
            Ok(self.0.send(format!("{} parked", session.id()))?)
        }
    }

    impl Bench {
        fn new() -> Bench {
            let (orders, inbox) = mpsc::unbounded_channel();
            let (to_link, link) = watch::channel(Link::Connecting);
            let desk = Desk { name: "pbx".into(), clock: Clock::start(), orders, link };
            let listener = Listener::new(desk, ClientConfig::new("pbx"));
            Bench { listener, orders: inbox, _link: to_link, told: Vec::new() }
        }

        fn up(&mut self) {
            self.listener.handle_event(Time::default(), HostEvent::Up(Arc::default()));
        }

        fn lose(&mut self) {
            self.listener.handle_event(Time::default(), HostEvent::Lost(Lost::Silent(Duration::ZERO)));
        }

        /// Loads an app for all sessions that come in; gives what it is told.
        fn load(&mut self) -> mpsc::UnboundedReceiver<String> {
            let (to, came) = mpsc::unbounded_channel();
            let (answer, _) = oneshot::channel();
            let group = Group::new(Group::DEFAULT).inbound().app(Came(to));
            self.listener.handle_order(Order::Load { group, answer });
            came
        }

        fn take_up(&mut self, which: Waiting) {
            let (answer, _) = oneshot::channel();
            self.listener.handle_order(Order::TakeUp { which, answer });
        }

        fn event(&mut self, name: &str, id: &str, more: &[(&str, &str)]) {
            let mut event = Event::new();
            event.push("Event-Name", name);
            event.push("Unique-ID", id);
            more.iter().for_each(|(header, value)| event.push(header, value));
            // Unless it was told to be another.
            if event.header("Call-Direction").is_none() {
                event.push("Call-Direction", "inbound");
            }
            self.listener.handle_event(Time::default(), HostEvent::Event(Arc::new(event)));
        }

        /// What is asked of the host; each is answered by the text of the first of `answers` that begins as it does.
        fn asked(&mut self, answers: &[(&str, &str)]) -> Vec<String> {
            let mut asked = Vec::new();
            loop {
                while let Ok(order) = self.orders.try_recv() {
                    self.listener.handle_order(order);
                }
                match self.listener.poll_output() {
                    None => return asked,
                    Some(Output::Notice(notice)) => self.told.push(notice),
                    Some(Output::Request(Request::Command { token, command })) => {
                        let command = command.to_string();
                        let answer = answers.iter().find(|(begin, _)| command.starts_with(begin));
                        if let Some((_, text)) = answer {
                            let reply = Reply { text: (*text).to_owned(), api: true };
                            self.listener.handle_event(Time::default(), HostEvent::Replied { token, reply });
                        }
                        asked.push(command);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn all(mut told: mpsc::UnboundedReceiver<String>) -> Vec<String> {
        std::iter::from_fn(|| told.try_recv().ok()).collect()
    }

    const LIST: &str = "api show channels as json";
    const OLD: &str = r#"{"rows":[{"uuid":"old","application":"park"}]}"#;
    const BOTH: &str = r#"{"rows":[{"uuid":"old","application":"park"},{"uuid":"new","application":"park"}]}"#;
    const DUMP_OLD: &str = r#"{"Event-Name":"CHANNEL_DATA","Unique-ID":"old","Call-Direction":"inbound"}"#;
    const DUMP_NEW: &str = r#"{"Event-Name":"CHANNEL_DATA","Unique-ID":"new","Call-Direction":"inbound",
        "Caller-Channel-Answered-Time":"1700000000000000"}"#;

    #[test]
    fn channels_that_were_there_before_are_none_that_came_while_the_host_was_away() {
        let mut bench = Bench::new();
        bench.up();
        let came = bench.load();
        assert_eq!(bench.asked(&[(LIST, OLD)]), [LIST]);
        bench.lose();
        bench.up();
        assert_eq!(bench.asked(&[(LIST, BOTH), ("api uuid_dump new", DUMP_NEW)]), [LIST, "api uuid_dump new json"]);
        let back = bench.told.iter().find_map(|notice| match notice {
            Notice::Back(recovery) => Some(recovery.clone()),
            _ => None,
        });
        let recovery = Recovery { found: vec![SessionId::new("new")], ..Recovery::default() };
        assert_eq!(back, Some(recovery));
        assert_eq!(all(came), ["new", "new parked"]);
    }

    #[test]
    fn what_is_parked_is_taken_up_once_and_what_was_answered_only_where_that_is_wanted() {
        let mut bench = Bench::new();
        bench.up();
        // It comes before the apps are there.
        bench.event("CHANNEL_CREATE", "early", &[]);
        bench.event("CHANNEL_PARK", "early", &[]);
        bench.asked(&[(LIST, BOTH)]);
        let came = bench.load();
        let early = DUMP_OLD.replace("old", "early");
        let list =
            BOTH.replace("[{", r#"[{"uuid":"early","application":"park"},{"uuid":"busy","application":"echo"},{"#);
        let answers = [
            (LIST, list.as_str()),
            ("api uuid_dump early", &early),
            ("api uuid_dump old", DUMP_OLD),
            ("api uuid_dump new", DUMP_NEW),
        ];
        bench.take_up(Waiting::Unanswered);
        bench.asked(&answers);
        bench.take_up(Waiting::Unanswered);
        assert_eq!(bench.asked(&answers), [LIST, "api uuid_dump new json"]);
        bench.take_up(Waiting::All);
        bench.asked(&answers);
        assert_eq!(all(came), ["early", "early parked", "old", "old parked", "new", "new parked"]);
        let took: Vec<String> =
            bench.told.iter().map(ToString::to_string).filter(|told| told.contains("took")).collect();
        assert_eq!(took, ["took up 2 sessions that were parked there", "took up 1 session that was parked there"]);
    }

    #[test]
    fn apps_that_are_loaded_between_the_creation_of_a_session_and_its_parking_are_told_of_both() {
        let mut bench = Bench::new();
        bench.up();
        bench.event("CHANNEL_CREATE", "a", &[]);
        let came = bench.load();
        bench.event("CHANNEL_PARK", "a", &[]);
        assert_eq!(all(came), ["a", "a parked"]);
    }

    #[test]
    fn a_client_that_drains_refuses_new_calls_and_serves_those_that_are_there() {
        let mut bench = Bench::new();
        bench.up();
        let came = bench.load();
        let call = [("variable_sip_h_X-Callwright-Call", "c")];
        bench.event("CHANNEL_CREATE", "served", &call);
        bench.asked(&[]);
        bench.listener.handle_order(Order::Drain);
        bench.event("CHANNEL_PARK", "served", &call);
        bench.event("CHANNEL_CREATE", "new", &[]);
        // It is in the call that is served.
        bench.event("CHANNEL_CREATE", "joined", &call);
        bench.event("CHANNEL_PARK", "new", &[]);
        // Nobody serves what goes out.
        bench.event("CHANNEL_CREATE", "out", &[("Call-Direction", "outbound")]);
        assert_eq!(bench.asked(&[]), ["api uuid_kill new NORMAL_TEMPORARY_FAILURE"]);
        assert_eq!(all(came), ["served", "served parked", "joined"]);
        assert_eq!(bench.listener.stats().refused, 1);
    }
}
