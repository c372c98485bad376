//! Routing in Rust: which calls are dealt with how, by regular expressions on their event headers.
//!
//!     cargo run --example router
//!
//! The same without Rust is a routes file for `callwright serve`: see `conf/routes`.

use std::error::Error;

use callwright::app::{AppError, AtEnd, Group, Hit, Next, Route, Router};
use callwright::client::{CallError, Client};
use callwright::host::Originate;
use callwright::service::Service;
use callwright::switch::{Switch, SwitchConfig};

/// Refuses a call with the SIP response that the route names.
async fn refuse(hit: Hit) -> Result<Next, AppError> {
    hit.session.respond(hit.params["code"].parse()?).await?;
    Ok(Next::Stop)
}

/// Answers, and echoes to those who dialled an even extension.
async fn extension(hit: Hit) -> Result<Next, AppError> {
    hit.session.answer().await?;
    hit.session.set_note("extension", hit.group(1));
    if hit.group(1).parse::<u32>()? % 2 == 0 {
        hit.session.echo().await?;
    }
    Ok(Next::Stop)
}

fn routes() -> Result<Router, Box<dyn Error>> {
    let router = Router::new("pbx")
        .guard("Call-Direction", "inbound")
        .route(Route::new("00(.*)|011(.*)")?.param("code", "407").to(refuse))
        .route(Route::new("ext(?<number>[0-9]+)$")?.to(extension))
        .otherwise(|hit| async move {
            hit.session.respond(404).await?;
            Ok(Next::Stop)
        });
    // A session that nothing plays to, echoes to or connects is hung up when its route is done.
    Ok(router.at_end(AtEnd::HangUp))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let switch = Switch::start(SwitchConfig::default()).await?;
    let router = routes()?;
    let service =
        Service::start([switch.esl_addr().to_string()], move |_| Group::new(Group::DEFAULT).app(router.clone()))
            .await?;
    let client = service.pool().clients().first().ok_or("the service has a host")?.clone();

    expect_refusal(&client, "00441234", "CALL_REJECTED").await?;
    expect_refusal(&client, "nobody", "UNALLOCATED_NUMBER").await?;

    let odd = call(&client, "ext7").await?.map_err(|cause| format!("ext7: {cause}"))?;
    println!("ext7 answered, and hung up with {}", odd.until_gone().await?);
    let even = call(&client, "ext8").await?.map_err(|cause| format!("ext8: {cause}"))?;
    let callee = even.peer().ok_or("ext8 has no callee")?;
    println!("ext{} answered, and echoes", callee.until_noted("extension").await?);
    even.hangup().await?;
    even.until_gone().await?;

    let served = service.stop().await;
    println!("served {} calls", served.calls);
    if served.failures == 0 { Ok(()) } else { Err(format!("{} routes failed", served.failures).into()) }
}

/// A call to `user`, or why it was refused.
async fn call(client: &Client, user: &str) -> Result<Result<callwright::client::Session, String>, Box<dyn Error>> {
    let to = client.itself("external", user).ok_or("the switch has no SIP address")?;
    match client.call(Originate::to(to).app("nobody")).await {
        Ok(session) => Ok(Ok(session)),
        Err(CallError::Failed(cause)) => Ok(Err(cause)),
        Err(error) => Err(error.into()),
    }
}

async fn expect_refusal(client: &Client, user: &str, cause: &str) -> Result<(), Box<dyn Error>> {
    match call(client, user).await? {
        Err(told) if told == cause => {
            println!("{user} was refused: {cause}");
            Ok(())
        }
        other => Err(format!("{user} should be refused with {cause}, and not {other:?}").into()),
    }
}
