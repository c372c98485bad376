//! How sessions end that an app is done with.

use super::AppError;
use crate::call::HangupCause;
use crate::client::{Session, SessionError};
use crate::scenario::PlacedStep;

/// Tells, by a note, that a session whose steps are done stays as it is.
pub(super) const STAYS: &str = "stays as it is";

/// Hangs a session up that has nothing more to do: once nothing plays, echoes or connects it any more. One that was left
/// to wait stays.
pub(super) async fn end(session: &Session) -> Result<(), AppError> {
    if session.note(STAYS).is_some_and(|stays| !stays.is_empty()) {
        return Ok(());
    }
    session.until_idle().await?;
    if !session.is_hung_up() {
        session.hangup().await?;
    }
    Ok(())
}

/// The other end did not take a call that it was offered: that is its own business, and no failure of an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not connected: {0}")]
pub(super) struct NotTaken(pub HangupCause);

/// Ends a session of which something failed with a cause that tells whoever calls so; gives what is to be reported.
pub(super) async fn end_failed(session: &Session, error: AppError) -> Result<(), AppError> {
    let cause = match error.downcast_ref::<NotTaken>() {
        Some(NotTaken(cause)) => cause.clone(),
        None => HangupCause::NormalTemporaryFailure,
    };
    let of_other_end = error.is::<NotTaken>();
    if !session.is_hung_up() {
        // One that ends meanwhile has ended.
        let _: Result<(), SessionError> = session.hangup_with(cause).await;
    }
    if of_other_end { Ok(()) } else { Err(error) }
}

/// What `error`, of one of `steps`, is for whoever runs the app.
pub(super) fn judged(session: &Session, steps: &[PlacedStep], error: SessionError) -> AppError {
    let SessionError::Step(failed) = &error else { return error.into() };
    let bridges = steps.iter().any(|step| step.place == failed.place && step.value.kind() == "bridge");
    let cause = session.variable("originate_disposition").filter(|_| bridges);
    match cause.map(|cause| HangupCause::parse(&cause)) {
        Some(cause) if is_of_other_end(&cause) => NotTaken(cause).into(),
        _ => error.into(),
    }
}

/// Whether whoever was called, or gave up calling, says so, rather than a switch that cannot place the call.
fn is_of_other_end(cause: &HangupCause) -> bool {
    use HangupCause::*;
    matches!(
        cause,
        UserBusy
            | NoUserResponse
            | NoAnswer
            | SubscriberAbsent
            | CallRejected
            | NumberChanged
            | UnallocatedNumber
            | NormalClearing
            | NormalTemporaryFailure
            | ServiceUnavailable
            | OriginatorCancel
            | AllottedTimeout
            | ProgressTimeout
            | BusyEverywhere
            | Decline
            | DoesNotExistAnywhere
    )
}
