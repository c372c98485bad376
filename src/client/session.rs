//! A session as a program holds it.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::orders::{Desk, Order};
use super::seen::{Over, Seen};
use super::{Call, HostError, SessionError};
use crate::app::AppError;
use crate::call::{self, Direction, HangupCause, State};
use crate::esl::{Command, Event, Reply};
use crate::host;
use crate::id::SessionId;
use crate::scenario::{Leg, Recorded, Review};
use crate::units::Time;

/// A session: one channel on one switch. A handle, cheap to copy; what it tells is always the newest.
///
/// ```
/// use std::time::Duration;
///
/// use callwright::app::flow;
/// use callwright::call::{HangupCause, State};
/// use callwright::client::Session;
/// # use callwright::testing::{Caller, TestHost};
///
/// // Types its number back to whoever calls, and hangs up.
/// async fn answer(session: Session) -> Result<(), callwright::app::AppError> {
///     if session.is_inbound() {
///         session.answer().await?;
///         session.send_dtmf("42", Duration::from_millis(80)).await?;
///         session.hangup_with(HangupCause::parse("NORMAL_CLEARING")).await?;
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let caller = Caller::on(TestHost::start()).with_app("answer", flow("answer", answer));
/// # let session = caller.call("doggy", "answer").await;
/// assert_eq!(session.collect_digits(2, Duration::from_secs(5)).await?, "42");
/// assert_eq!(session.until_hung_up().await?, HangupCause::parse("NORMAL_CLEARING"));
/// assert_eq!(session.state(), State::HungUp);
/// # Ok(())
/// # }
/// ```
///
/// Each handle has its own place in the session's events, from which [`Session::recv`] and [`Session::poll`] go on; a
/// copy goes on from where its original is.
pub struct Session {
    inner: Arc<Inner>,
    /// The app that acts through this handle.
    app: Arc<str>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Inner {
    id: SessionId,
    desk: Desk,
    seen: watch::Sender<Seen>,
}

/// A session that is kept by others.
#[derive(Clone, Debug)]
pub(super) struct WeakSession(Weak<Inner>);

impl WeakSession {
    pub fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(|inner| Session { inner, app: Arc::from(""), next: AtomicUsize::new(0) })
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        Session {
            inner: Arc::clone(&self.inner),
            app: Arc::clone(&self.app),
            next: AtomicUsize::new(self.next.load(Ordering::Relaxed)),
        }
    }
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Session {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} on {}, {:?})", self.inner.id, self.inner.desk.name, self.state())
    }
}

impl Session {
    pub(super) fn new(desk: Desk, seen: Seen) -> Session {
        let id = seen.session.id.clone();
        let inner = Inner { id, desk, seen: watch::Sender::new(seen) };
        Session { inner: Arc::new(inner), app: Arc::from(""), next: AtomicUsize::new(0) }
    }

    /// The same session, acting for `app` and with its place at the newest event.
    pub(crate) fn acting_for(&self, app: &Arc<str>) -> Session {
        let next = AtomicUsize::new(self.read(Seen::end));
        Session { inner: Arc::clone(&self.inner), app: Arc::clone(app), next }
    }

    pub(super) fn weak(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.inner))
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Seen) -> T) -> T {
        read(&self.inner.seen.borrow())
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Seen)) {
        self.inner.seen.send_modify(change);
    }

    pub(super) fn watch(&self) -> watch::Receiver<Seen> {
        self.inner.seen.subscribe()
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// Its `Unique-ID`.
    pub fn id(&self) -> &SessionId {
        &self.inner.id
    }

    /// The host it is on, by the name its client has.
    pub fn host(&self) -> &str {
        &self.inner.desk.name
    }

    /// The call it belongs to.
    pub fn call(&self) -> Call {
        self.read(|seen| seen.call.clone())
    }

    /// The other end of its call, if the call has one that is there.
    pub fn peer(&self) -> Option<Session> {
        self.call().peer(self)
    }

    /// All that the tracker knows of it.
    pub fn facts(&self) -> call::Session {
        self.read(|seen| seen.session.clone())
    }

    pub fn state(&self) -> State {
        self.read(|seen| seen.session.state)
    }

    pub fn direction(&self) -> Direction {
        self.read(|seen| seen.session.direction)
    }

    /// The switch received its INVITE.
    pub fn is_inbound(&self) -> bool {
        self.direction() == Direction::Inbound
    }

    /// The switch sent its INVITE.
    pub fn is_outbound(&self) -> bool {
        self.direction() == Direction::Outbound
    }

    pub fn is_answered(&self) -> bool {
        self.read(|seen| seen.session.is_answered())
    }

    pub fn is_hung_up(&self) -> bool {
        self.read(Seen::is_hung_up)
    }

    /// Whether it waits for commands.
    pub fn is_parked(&self) -> bool {
        self.read(|seen| seen.waiting.parked && !seen.is_hung_up())
    }

    /// Whether something plays or echoes on it.
    pub fn is_playing(&self) -> bool {
        self.read(|seen| seen.waiting.playing)
    }

    /// Why it ended, once it has.
    pub fn hangup_cause(&self) -> Option<HangupCause> {
        self.read(|seen| seen.session.hangup_cause.clone())
    }

    /// The id of its app group as its own header names it.
    pub fn app(&self) -> Option<Arc<str>> {
        self.read(|seen| seen.session.app.clone())
    }

    /// The id that its apps are loaded under, where it belongs to any.
    pub fn group(&self) -> Option<Arc<str>> {
        self.read(|seen| seen.group.clone())
    }

    /// The newest value of an event header: `Caller-Destination-Number`, `variable_sip_req_uri`.
    pub fn header(&self, name: &str) -> Option<String> {
        self.read(|seen| seen.session.header(name).map(str::to_owned))
    }

    /// The newest value of a channel variable, as events carry it: `sip_req_uri`.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.read(|seen| seen.session.variable(name).map(str::to_owned))
    }

    /// Recordings that were begun through its handles, on the host's disk, in their order.
    pub fn recordings(&self) -> Vec<Recorded> {
        self.read(|seen| seen.recordings.clone())
    }

    /// The newest event.
    pub fn latest(&self) -> Arc<Event> {
        self.read(|seen| Arc::clone(seen.session.latest()))
    }

    /// Its events, oldest first; of a long life the newest that [`super::ClientConfig::history`] allows.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.read(|seen| seen.events().cloned().collect())
    }

    /// Why it is not known what became of it, if so.
    pub(crate) fn lost(&self) -> Option<String> {
        self.read(|seen| match &seen.over {
            Some(Over::Lost(reason)) => Some(reason.clone()),
            Some(Over::Destroyed) | None => None,
        })
    }

    /// Whether events of this name were subscribed to when it came, so that one that is not among its events did not
    /// happen.
    pub fn hears(&self, name: &str) -> bool {
        host::is_tracked(name) || self.read(|seen| seen.wanted.contains(name))
    }

    /// Tells `review` all that was seen of it, as of its leg `leg`.
    pub(crate) fn tell(&self, leg: Leg, review: &mut Review) {
        self.read(|seen| {
            review.leave_out(leg, seen.dropped());
            seen.entries(0).for_each(|(_, entry)| review.tell(leg, &entry.change, &entry.event));
            seen.recordings.iter().for_each(|recorded| review.recorded(leg, recorded.clone()));
        });
    }

    /// When its newest event was fired, by the switch's clock.
    pub fn time(&self) -> Time {
        self.read(|seen| seen.time().unwrap_or(seen.session.created))
    }

    /// From its creation to its newest event.
    pub fn uptime(&self) -> Duration {
        self.read(|seen| seen.time().unwrap_or(seen.session.created).since(seen.session.created))
    }

    /// What an app noted of it under `name`.
    pub fn note(&self, name: &str) -> Option<String> {
        self.read(|seen| seen.notes.get(name).cloned())
    }

    /// Notes something of the session, for other apps to read and to wait for.
    pub fn set_note(&self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        self.change(|seen| drop(seen.notes.insert(name, value)));
    }

    /// Runs `flow` beside everything else, until it ends or the session does. Its failure, or its panic, is reported as
    /// one of the app that this handle was given to.
    pub fn spawn(&self, flow: impl Future<Output = Result<(), AppError>> + Send + 'static) {
        let (session, app) = (Some(self.inner.id.clone()), Arc::clone(&self.app));
        self.desk().order(Order::Spawn { session, app, flow: Box::pin(flow) });
    }

    /// Gives a command to the session's host; gives its reply as it came, an `-ERR` one too.
    pub async fn command(&self, command: Command) -> Result<Reply, HostError> {
        super::give(self.desk(), command).await
    }

    /// Runs an API command on the session's host; gives its reply, without what FreeSWITCH puts before it.
    pub async fn api(&self, line: &str) -> Result<String, SessionError> {
        Ok(super::reply_of(self.desk(), Command::api(line)).await?)
    }

    /// Waits until `holds` does; `what` is what a failure calls it.
    async fn until(&self, what: &str, holds: impl Fn(&Seen) -> bool) -> Result<(), SessionError> {
        let mut watch = self.watch();
        // The sender is in this handle, so it does not end before.
        let seen = watch.wait_for(|seen| holds(seen) || seen.over.is_some()).await;
        let seen = seen.expect("the session's handle keeps the sender");
        if holds(&seen) { Ok(()) } else { Err(ended(&seen, what)) }
    }

    /// Waits until the session rings (180).
    pub async fn until_ringing(&self) -> Result<(), SessionError> {
        self.until("ringing", |seen| seen.session.ringing.is_some()).await
    }

    /// Waits until it has sound before its answer (183).
    pub async fn until_early_media(&self) -> Result<(), SessionError> {
        self.until("early media", |seen| seen.session.early_media.is_some()).await
    }

    /// Waits until it is answered.
    pub async fn until_answered(&self) -> Result<(), SessionError> {
        self.until("answer", |seen| seen.session.is_answered()).await
    }

    /// Waits until it waits for commands.
    pub async fn until_parked(&self) -> Result<(), SessionError> {
        self.until("park", |seen| seen.waiting.parked && !seen.is_hung_up()).await
    }

    /// Waits until it is hung up; gives why.
    pub async fn until_hung_up(&self) -> Result<HangupCause, SessionError> {
        self.until("hangup", |seen| seen.session.state == State::HungUp).await?;
        Ok(self.hangup_cause().unwrap_or_else(|| HangupCause::parse("NONE")))
    }

    /// Waits until it is gone from the switch and from its client's counts; gives why it ended.
    pub async fn until_gone(&self) -> Result<HangupCause, SessionError> {
        self.until("end", |seen| seen.over == Some(Over::Destroyed)).await?;
        Ok(self.hangup_cause().unwrap_or_else(|| HangupCause::parse("NONE")))
    }

    /// Waits until something is noted under `name`; gives it.
    pub async fn until_noted(&self, name: &str) -> Result<String, SessionError> {
        self.until(name, |seen| seen.notes.contains_key(name)).await?;
        Ok(self.note(name).unwrap_or_default())
    }

    /// Waits until no application called `name` runs any more, or the session is over.
    pub async fn until_application_ends(&self, name: &str) -> Result<(), SessionError> {
        self.until(name, |seen| !seen.runs(name) || seen.is_hung_up()).await
    }

    /// Waits until nothing runs on it but `park`: nothing plays, echoes or connects it. So it is at once where nothing
    /// does.
    pub async fn until_idle(&self) -> Result<(), SessionError> {
        self.until("idleness", |seen| seen.is_idle() || seen.is_hung_up()).await
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Time {
        self.desk().clock.now()
    }

    /// The next event called `name` behind this handle's place; of a `CUSTOM` one the subclass is its name. What lies
    /// between is passed over.
    ///
    /// An event that is not among those that tracking subscribes to must be wanted before it is fired: see
    /// [`super::Client::subscribe`] and [`crate::app::App::events`].
    pub async fn recv(&self, name: &str) -> Result<Arc<Event>, SessionError> {
        self.next_of(&[name]).await
    }

    /// The next event of one of these names, if one comes within `within`.
    pub async fn poll(&self, names: &[&str], within: Duration) -> Result<Arc<Event>, SessionError> {
        match tokio::time::timeout(within, self.next_of(names)).await {
            Ok(event) => event,
            Err(_) => {
                Err(SessionError::Late { session: self.inner.id.to_string(), waited_for: names.join(" or "), within })
            }
        }
    }

    async fn next_of(&self, names: &[&str]) -> Result<Arc<Event>, SessionError> {
        for name in names {
            self.desk().order(Order::Subscribe((*name).to_owned()));
        }
        let mut watch = self.watch();
        loop {
            {
                let seen = watch.borrow_and_update();
                let from = self.next.load(Ordering::Relaxed);
                let named = |event: &Event| names.iter().any(|name| event.is_called(name));
                let found = seen.entries(from).find(|(_, entry)| !entry.repeated && named(&entry.event));
                if let Some((at, entry)) = found {
                    self.next.store(at + 1, Ordering::Relaxed);
                    return Ok(Arc::clone(&entry.event));
                }
                if seen.over.is_some() {
                    return Err(ended(&seen, &names.join(" or ")));
                }
            }
            watch.changed().await.expect("the session's handle keeps the sender");
        }
    }

    /// Collects digits (`DTMF` events behind this handle's place) until there are `count` or `within` is over; gives
    /// what came. Digits need the `DTMF` event: see [`Session::recv`].
    pub async fn collect_digits(&self, count: usize, within: Duration) -> Result<String, SessionError> {
        let mut digits = String::new();
        let timer = tokio::time::sleep(within);
        tokio::pin!(timer);
        while digits.chars().count() < count {
            tokio::select! {
                event = self.recv("DTMF") => digits.push_str(event?.header("DTMF-Digit").unwrap_or_default()),
                () = &mut timer => break,
            }
        }
        Ok(digits)
    }
}

/// What is told to those who wait for `what` of a session that is over.
pub(super) fn ended(seen: &Seen, what: &str) -> SessionError {
    let session = seen.session.id.to_string();
    match &seen.over {
        Some(Over::Lost(reason)) => SessionError::Lost { session, reason: reason.clone() },
        _ => {
            let cause = seen.session.hangup_cause.clone().unwrap_or_else(|| HangupCause::parse("NONE"));
            SessionError::Ended { session, waited_for: what.to_owned(), cause }
        }
    }
}
