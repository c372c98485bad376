//! Calls, made and waited for.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::time::Duration;

use rstest::fixture;

use super::test_host::as_usual;
use super::{TestHost, host};
use crate::app::App;
use crate::client::{CallError, ClientConfig, HostError, Session};
use crate::host::Originate;

/// Makes calls on a [`TestHost`], which it derefs to.
#[derive(Debug)]
pub struct Caller {
    host: TestHost,
}

/// How long a call may stay unanswered.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A [`Caller`] on a host for one test: see [`TestHost::start`]. `#[with(|config| ...)]` changes how its client is
/// configured.
#[fixture]
#[track_caller]
pub fn caller(#[default(as_usual)] change: fn(ClientConfig) -> ClientConfig) -> Caller {
    Caller::on(host(change))
}

impl Caller {
    pub fn on(host: TestHost) -> Caller {
        Caller { host }
    }

    /// With an app loaded under an id: see [`TestHost::with_app`].
    #[track_caller]
    pub fn with_app(self, id: &str, app: impl App) -> Caller {
        Caller::on(self.host.with_app(id, app))
    }

    /// Calls `user` (or a whole `user@host:port`), with the app group `app` for both sides. Awaited, it gives the
    /// caller's session once the call is up.
    ///
    /// What is left of it at the end of the test is hung up.
    ///
    /// # Panics
    /// When awaited, where the call does not come up; see [`Dial::result`].
    #[track_caller]
    pub fn call(&self, user: &str, app: &str) -> Dial<'_> {
        let url = if user.contains('@') { user.to_owned() } else { self.host.itself(user) };
        let originate = Originate::to(url).app(app).timeout(TIMEOUT);
        Dial { host: &self.host, originate, place: Location::caller() }
    }
}

impl Deref for Caller {
    type Target = TestHost;

    fn deref(&self) -> &TestHost {
        &self.host
    }
}

impl DerefMut for Caller {
    fn deref_mut(&mut self) -> &mut TestHost {
        &mut self.host
    }
}

/// A call to be made, once it is awaited.
#[must_use = "no call is made until it is awaited"]
pub struct Dial<'a> {
    host: &'a TestHost,
    originate: Originate,
    place: &'static Location<'static>,
}

impl fmt::Debug for Dial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dial({:?})", self.originate)
    }
}

impl<'a> Dial<'a> {
    /// How long the call may stay unanswered; whole seconds count. 10 s, unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|originate| originate.timeout(timeout))
    }

    /// The codecs to offer, best first.
    pub fn codecs<C: Into<String>>(self, codecs: impl IntoIterator<Item = C>) -> Self {
        self.with(|originate| originate.codecs(codecs))
    }

    /// One more header of the INVITE.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|originate| originate.header(name, value))
    }

    /// One more channel variable of the caller.
    pub fn variable(self, name: &str, value: &str) -> Self {
        self.with(|originate| originate.variable(name, value))
    }

    /// Any other change of the originate.
    pub fn with(self, change: impl FnOnce(Originate) -> Originate) -> Self {
        Dial { originate: change(self.originate), ..self }
    }

    /// Makes a call that must not come up; gives the caller's session as it ended.
    ///
    /// # Panics
    /// Where it does come up, or no session of it came to be.
    pub async fn refused(self) -> Session {
        let (place, target) = (self.place, self.originate.target.clone());
        let job = self.host.originate(&self.originate);
        match (job.result().await, job.until_session().await) {
            (Err(HostError::Refused { .. }), Some(session)) => {
                // A host that is lost meanwhile ends it as well.
                let _ = session.until_gone().await;
                session
            }
            (Ok(_), _) => panic!("{place}: the call to {target:?} came up"),
            (Err(error), _) => panic!("{place}: no session of the call to {target:?}: {error}"),
        }
    }

    /// Makes the call; gives the caller's session, or why the call did not come up.
    pub async fn result(self) -> Result<Session, CallError> {
        self.host.call(self.originate).await
    }
}

impl<'a> IntoFuture for Dial<'a> {
    type Output = Session;
    type IntoFuture = Pin<Box<dyn Future<Output = Session> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (place, target) = (self.place, self.originate.target.clone());
            match self.result().await {
                Ok(session) => session,
                Err(error) => panic!("{place}: no call to {target:?}: {error}"),
            }
        })
    }
}
