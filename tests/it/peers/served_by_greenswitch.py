"""A call that greenswitch's OutboundESLServer serves; prints what it saw as JSON. Arguments: host, port, address of SIP."""

import gevent.monkey

gevent.monkey.patch_all()

import json
import socket
import sys

import gevent
import gevent.event
from greenswitch import InboundESL
from greenswitch.esl import OutboundESLServer, OutboundSessionHasGoneAway

HOST, PORT, SIP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CALLER = "a1111111-2222-3333-4444-555555555555"
PATIENCE = 20  # seconds

seen = {}
done = gevent.event.Event()


class Application:
    def __init__(self, session):
        self.session = session

    def run(self):
        try:
            self.serve(self.session)
        except Exception as error:
            seen["failed"] = repr(error)
        done.set()

    def serve(self, session):
        names, ended = [], gevent.event.Event()

        def keep(event):
            names.append(event.headers["Event-Name"].removeprefix("CHANNEL_"))
            if names[-1] == "HANGUP_COMPLETE":
                ended.set()

        data = session.session_data
        seen["data"] = [data[name] for name in ("Event-Name", "Unique-ID", "Caller-Destination-Number")]
        seen["mode"] = [data[name] for name in ("Reply-Text", "Socket-Mode", "Control")]
        seen["property"] = [session.uuid, session.caller_id_number]
        session.myevents()
        for name in ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_STATE", "CHANNEL_UNPARK"]:
            session.register_handle(name, keep)
        session.linger()
        seen["answer"] = session.answer()
        with session.while_connected():
            played = session.playback("tone_stream://%(300,0,1004)")
        seen["played"] = [played.headers["Application"], played.headers["Application-Response"]]
        seen["set"] = session.call_command("set", "mood=bright", block=True).headers["variable_mood"]
        seen["api"] = session.send("api uuid_getvar " + session.uuid + " mood").data
        seen["nobody"] = session.send("sendmsg nobody\ncall-command: hangup").data
        session.hangup("USER_BUSY")
        ended.wait(PATIENCE)
        seen["ended"] = names
        try:
            session.answer()
        except OutboundSessionHasGoneAway:
            seen["late"] = "gone away"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


server = OutboundESLServer(bind_address="127.0.0.1", bind_port=free_port(), application=Application)
serving = gevent.spawn(server.listen)
with gevent.Timeout(PATIENCE):
    while not server._running:
        gevent.sleep(0.01)
address = f"127.0.0.1:{server.bound_port}"

esl = InboundESL(HOST, PORT, "ClueCon", timeout=PATIENCE)
esl.connect()
esl.register_handle("CHANNEL_PARK", lambda event: esl.send("api uuid_answer " + event.headers["Unique-ID"]))
esl.send("event plain CHANNEL_PARK")
esl.send("filter Call-Direction inbound")
variables = f"origination_uuid={CALLER},origination_caller_id_number=1001"
esl.send(f"bgapi originate {{{variables}}}sofia/external/peer@{SIP} '&socket({address} async full)'")
done.wait(PATIENCE)
server.stop()
serving.join(PATIENCE)
esl.stop()
print(json.dumps(seen))
