//! Gateways: registrations, calls through them, and what is told of both.

use super::Bench;
use crate::sip::Credentials;
use crate::sip::uri::Transport;
use crate::switch::{Gateway, Registering, SwitchConfig};

fn gateway(name: &str, realm: &str, registering: Registering) -> Gateway {
    Gateway {
        name: name.into(),
        realm: realm.into(),
        proxy: None,
        credentials: Credentials { username: "alice".into(), password: "secret".into() },
        registering,
        transport: Transport::Udp,
    }
}

/// A bench whose gateway is the switch itself for calls, and answers REGISTERs with these codes.
fn bench(registering: Registering, codes: &[u16]) -> Bench {
    let gateways = vec![gateway("pbx", "127.0.0.1:5080", registering)];
    let mut bench = Bench::configured(SwitchConfig { gateways, ..SwitchConfig::default() });
    bench.rig.registrar("127.0.0.1:5080", codes);
    bench
}

impl Bench {
    /// States that were told, with the codes.
    fn states(&self) -> Vec<String> {
        let told = self.events.iter().filter(|e| e.header("Event-Subclass") == Some("sofia::gateway_state"));
        let told = told.map(|event| {
            assert_eq!(event.header("Gateway"), Some("pbx"));
            let state = event.header("State").unwrap_or_default();
            event.header("Status").map_or_else(|| state.to_owned(), |status| format!("{state} {status}"))
        });
        told.collect()
    }
}

#[test]
fn a_gateway_is_registered_kept_so_and_told_of() {
    let mut bench = bench(Registering::For(600), &[200]);
    bench.wait(5_000);
    assert_eq!(bench.states(), ["TRYING", "REGISTER 200", "REGED"]);
    let told = bench.event(|e| e.header("State") == Some("REGISTER"));
    assert_eq!((told.header("Phrase"), told.header("Ping-Status")), (Some("OK"), Some("DOWN")));
    assert_eq!(told.header("Register-Network-IP"), Some("127.0.0.1"));
    assert_eq!(told.header("Register-Network-Port"), Some("5080"));
    assert_eq!(bench.event(|e| e.header("State") == Some("REGED")).header("Ping-Status"), Some("UP"));
    let sent = &bench.rig.registrations()[0];
    assert_eq!((sent.registrar.as_str(), sent.expires), ("sip:127.0.0.1:5080;transport=udp", 600));
    assert_eq!((sent.address.as_str(), sent.contact_user.as_str()), ("sip:alice@127.0.0.1:5080", "gw+pbx"));
    bench.events.clear();
    bench.wait(585_000);
    assert_eq!(bench.states(), ["UNREGED", "TRYING", "REGISTER 200", "REGED"]);
    assert_eq!(bench.rig.registrations().len(), 2);
    let text = bench.ask("api sofia status gateway pbx");
    for line in ["Name    \tpbx\n", "State   \tREGED\n", "Status  \tUP\n", "Password\tyes\n", "Expires \t600\n"] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(!text.contains("secret"));
    assert!(text.contains("Contact \t<sip:gw+pbx@127.0.0.1:5080;transport=udp;gw=pbx>\n"), "{text}");
}

#[test]
fn a_refusal_waits_and_is_tried_again() {
    let mut bench = bench(Registering::For(600), &[403, 200]);
    bench.wait(10_000);
    assert_eq!(bench.states(), ["TRYING", "FAILED 403", "FAIL_WAIT"]);
    let list = bench.ask("api sofia status");
    assert!(list.contains("            external::pbx\tgateway\t"), "{list}");
    assert!(list.contains("sip:alice@127.0.0.1:5080\tFAIL_WAIT (retry: 21s)\n"), "{list}");
    let reply = bench.ask("api originate sofia/gateway/pbx/1001 &park()");
    assert_eq!(reply, "-ERR GATEWAY_DOWN\n");
    bench.events.clear();
    bench.wait(25_000);
    assert_eq!(bench.states(), ["UNREGED", "TRYING", "REGISTER 200", "REGED"]);
}

#[test]
fn a_registrar_that_is_not_there_is_a_503() {
    let gateways = vec![gateway("pbx", "192.0.2.7", Registering::For(600))];
    let mut bench = Bench::configured(SwitchConfig { gateways, ..SwitchConfig::default() });
    bench.wait(2_000);
    assert_eq!(bench.states(), ["TRYING", "FAILED 503", "FAIL_WAIT"]);
}

#[test]
fn a_call_through_a_gateway_has_its_address_its_name_and_its_contact() {
    let mut bench = bench(Registering::No, &[]);
    bench
        .ask("bgapi originate {ignore_early_media=true,origination_caller_id_number=77}sofia/gateway/pbx/1001 &park()");
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK" && e.header("Call-Direction") == Some("inbound")).clone();
    assert_eq!(callee.variable("sip_req_uri"), Some("1001@127.0.0.1:5080"));
    assert_eq!(callee.variable("sip_from_uri"), Some("alice@127.0.0.1:5080"));
    assert!(callee.variable("sip_Remote-Party-ID").unwrap().contains("<sip:77@127.0.0.1:5080>"));
    let caller = bench.event(|e| e.name() == "CHANNEL_OUTGOING");
    assert_eq!(caller.header("Channel-Name"), Some("sofia/external/1001"));
    assert_eq!(caller.header("Caller-Destination-Number"), Some("1001"));
    assert_eq!(caller.variable("sip_gateway_name"), Some("pbx"));
    assert_eq!(caller.variable("sip_destination_url"), Some("sip:1001@127.0.0.1:5080"));
    let placed = bench.event(|e| e.name() == "CHANNEL_CREATE" && e.header("Call-Direction") == Some("outbound"));
    let contact = "<sip:gw+pbx@127.0.0.1:5080;transport=udp;gw=pbx>";
    assert_eq!(placed.variable("sip_outgoing_contact_uri"), Some(contact));
    assert!(bench.ask("api sofia status gateway").contains("\t0/0\t0/1\n"));
    assert!(bench.states().is_empty(), "one that does not register has nothing to tell");
}

#[test]
fn a_gateway_that_is_not_there_takes_no_calls() {
    let mut bench = bench(Registering::No, &[]);
    let reply = bench.ask("api originate sofia/gateway/other/1001 &park()");
    assert_eq!(reply, "-ERR INVALID_GATEWAY\n");
    assert_eq!(bench.rig.core().session_count(), 0);
}

#[test]
fn orders_register_unregister_and_delete() {
    let mut bench = bench(Registering::For(600), &[200]);
    bench.wait(2_000);
    bench.events.clear();
    assert_eq!(bench.ask("api sofia profile external unregister pbx"), "+OK\n");
    bench.wait(2_000);
    assert_eq!(bench.states(), ["DOWN"]);
    assert_eq!(bench.rig.registrations().last().map(|sent| sent.expires), Some(0));
    bench.wait(3_600_000);
    assert_eq!(bench.rig.registrations().len(), 2, "it stays so");
    bench.events.clear();
    assert_eq!(bench.ask("api sofia profile external register pbx"), "+OK\n");
    bench.wait(3_000);
    assert_eq!(bench.states(), ["TRYING", "REGISTER 200", "REGED"]);
    assert_eq!(bench.ask("api sofia profile external register nobody"), "Invalid gateway!\n");
    assert_eq!(bench.ask("api sofia profile external killgw nobody"), "-ERR no such gateway.\n");
    assert_eq!(bench.ask("api sofia profile external killgw pbx"), "+OK gateway marked for deletion.\n");
    assert_eq!(bench.ask("api sofia status gateway pbx"), "Invalid Gateway!\n");
    bench.wait(2_000);
    assert_eq!(bench.rig.registrations().last().map(|sent| sent.expires), Some(0));
    let deleted = bench.event(|e| e.header("Event-Subclass") == Some("sofia::gateway_delete"));
    assert_eq!((deleted.header("Gateway"), deleted.header("profile-name")), (Some("pbx"), Some("external")));
    assert!(!bench.ask("api sofia status").contains("gateway"));
}

#[test]
fn what_never_registers_cannot_be_told_to() {
    let mut bench = bench(Registering::No, &[]);
    let reply = bench.ask("api sofia profile external register pbx");
    assert_eq!(reply, "-ERR NOREG gateway [pbx] can't be registered!\n");
    assert!(bench.ask("api sofia status").contains("\tNOREG\n"));
    assert_eq!(bench.ask("api sofia profile external killgw _all_"), "+OK every gateway marked for deletion.\n");
    bench.wait(2_000);
    assert!(bench.ask("api sofia status gateway").contains("0 gateways: "));
}
