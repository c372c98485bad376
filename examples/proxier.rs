//! A proxy in a few lines: what comes in on one switch goes on to another.
//!
//!     cargo run --example proxier
//!
//! Both switches are embedded, so nothing else is needed. With FreeSWITCH hosts in their place, which must park what comes
//! in, the service is the same.

use std::error::Error;

use callwright::app::{Group, Proxier, Way, flow};
use callwright::client::{CallError, Client};
use callwright::host::Originate;
use callwright::service::Service;
use callwright::switch::{Switch, SwitchConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let edge = Switch::start(SwitchConfig::default()).await?;
    let far = Switch::start(SwitchConfig::default()).await?;

    // Whoever lives behind the proxy: bob answers, everybody else is busy.
    let behind = Client::connect(far.esl_addr().to_string()).await?;
    let home = flow("home", |session| async move {
        if session.header("Caller-Destination-Number").as_deref() == Some("bob") {
            session.answer().await?;
            return Ok(session.echo().await?);
        }
        Ok(session.respond(486).await?)
    });
    behind.load(Group::DEFAULT, home).await?;

    // The proxy itself. Calls keep whom they were for; only the way is another.
    let way = Way { proxy: Some(far.sip_addr().to_string()), ..Way::default() };
    let proxier = Proxier { way };
    let service =
        Service::start([edge.esl_addr().to_string()], move |_| Group::new(Group::DEFAULT).app(proxier.clone())).await?;

    let client = service.pool().clients().first().ok_or("the service has a host")?.clone();
    let to = |user: &str| client.itself("external", user).map(|to| Originate::to(to).app("nobody"));
    let call = client.call(to("bob").ok_or("the edge has no SIP address")?).await?;
    println!("bob answered: the call is {:?}", call.state());
    call.hangup().await?;
    println!("and the call ended with {}", call.until_gone().await?);

    match client.call(to("eve").ok_or("the edge has no SIP address")?).await {
        Err(CallError::Failed(cause)) if cause == "USER_BUSY" => println!("eve is busy, and the caller was told so"),
        other => return Err(format!("eve should be busy, and not {other:?}").into()),
    }

    let served = service.stop().await;
    println!("served {} calls with {} failures", served.calls, served.failures);
    if served.failures > 0 {
        return Err("a busy callee is no failure of the proxy".into());
    }
    Ok(())
}
