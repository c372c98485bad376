"""Two calls by greenswitch's InboundESL; prints what it saw as JSON. Arguments: host, port, address of SIP."""

import gevent.monkey

gevent.monkey.patch_all()

import json
import sys

import gevent
import gevent.event
from greenswitch import InboundESL

HOST, PORT, SIP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CALLER, REFUSED, NOBODY = (f"{letter}1111111-2222-3333-4444-555555555555" for letter in "abc")
PATIENCE = 20  # seconds

seen = {}
events = []
arrived = gevent.event.Event()
parted = gevent.event.Event()


def keep(event):
    events.append(event.headers)
    arrived.set()


def wait(name, but="", **headers):
    """The first event of this name with these headers (`_` for `-`), of another session than `but`."""
    wanted = {key.replace("_", "-"): value for key, value in headers.items()}
    with gevent.Timeout(PATIENCE, TimeoutError(f"{name} {wanted}: {events}")):
        while True:
            arrived.clear()
            for event in events:
                if event["Event-Name"] == name and wanted.items() <= event.items() and event.get("Unique-ID") != but:
                    return event
            arrived.wait()


def order(uuid):
    told = ["CREATE", "ANSWER", "PARK", "HANGUP", "HANGUP_COMPLETE", "DESTROY"]
    names = [event["Event-Name"].removeprefix("CHANNEL_") for event in events if event.get("Unique-ID") == uuid]
    return [name for name in names if name in told]


try:
    InboundESL(HOST, PORT, "wrong", timeout=PATIENCE).connect()
    seen["wrong password"] = "accepted"
except ValueError as error:
    seen["wrong password"] = str(error)

esl = InboundESL(HOST, PORT, "ClueCon", timeout=PATIENCE)
esl.connect()
esl.register_handle("*", keep)
esl.register_handle("DISCONNECT", lambda event: parted.set())


def say(command):
    return esl.send(command).data


def execute(uuid, application, argument=""):
    lines = ["call-command: execute", f"execute-app-name: {application}", f"execute-app-arg: {argument}"]
    return say("\n".join([f"sendmsg {uuid}", *lines]))


def originate(uuid):
    variables = f"origination_uuid={uuid},origination_caller_id_number=1001"
    return esl.send(f"bgapi originate {{{variables}}}sofia/external/peer@{SIP} &park()").headers["Job-UUID"]


seen["event"] = say("event plain ALL")
seen["echo"] = say("api echo déjà vu")
seen["unknown"] = say("api no_such_command")
seen["no channel"] = say(f"api uuid_kill {NOBODY}")
seen["no session"] = execute(NOBODY, "answer")
say("sendevent CUSTOM\nEvent-Subclass: callwright::greeting\nx-words: a: b % c")
seen["custom"] = wait("CUSTOM", Event_Subclass="callwright::greeting")["x-words"]

# Answered, heard and hung up by the callee.
job = originate(CALLER)
callee = wait("CHANNEL_PARK", Call_Direction="inbound")
seen["callee"] = [callee[f"Caller-{what}-Number"] for what in ("Destination", "Caller-ID")]
callee = callee["Unique-ID"]
execute(callee, "answer")
done = wait("BACKGROUND_JOB", Job_UUID=job)
# It takes the body of an event for one more line of the last header.
seen["job"] = [done["Job-Command"], any(f"+OK {CALLER}" in text for text in done.values())]
wait("CHANNEL_PARK", Unique_ID=CALLER)
seen["exists"] = say(f"api uuid_exists {CALLER}")
seen["set"] = [say(f"api uuid_setvar {CALLER} mood bright"), say(f"api uuid_getvar {CALLER} mood")]
seen["dump"] = "variable_mood: bright" in say(f"api uuid_dump {CALLER}")
seen["playback"] = execute(CALLER, "playback", "tone_stream://%(300,0,1004)")
stopped = wait("PLAYBACK_STOP", Unique_ID=CALLER)
executed = wait("CHANNEL_EXECUTE_COMPLETE", Unique_ID=CALLER, Application="playback")
seen["played"] = [stopped["Playback-Status"], executed["Application-Response"]]
seen["order of the caller"] = order(CALLER)
seen["filter"] = say(f"filter Unique-ID {callee}").replace(callee, "callee")
mark = len(events)
seen["hangup"] = say(f"sendmsg {callee}\ncall-command: hangup\nhangup-cause: USER_BUSY")
seen["cause"] = wait("CHANNEL_HANGUP_COMPLETE", Unique_ID=callee)["Hangup-Cause"]
wait("CHANNEL_DESTROY", Unique_ID=callee)
seen["only of the filter"] = all(event.get("Unique-ID") == callee for event in events[mark:])
seen["filter delete"] = say(f"filter delete Unique-ID {callee}").replace(callee, "callee")
seen["order of the callee"] = order(callee)

# Refused by the callee.
originate(REFUSED)
execute(wait("CHANNEL_PARK", Call_Direction="inbound", but=callee)["Unique-ID"], "hangup", "CALL_REJECTED")
seen["refused"] = wait("CHANNEL_HANGUP_COMPLETE", Unique_ID=REFUSED)["Hangup-Cause"]
wait("CHANNEL_DESTROY", Unique_ID=REFUSED)
seen["order of the refused"] = order(REFUSED)

seen["exit"] = say("exit")
seen["notice"] = parted.wait(PATIENCE)
esl.stop()
print(json.dumps(seen))
