"""Two calls by genesis' Inbound, Channel and Consumer; prints what they saw as JSON. Arguments: host, port, address of SIP."""

import asyncio
import json
import sys

from genesis import Consumer, Inbound
from genesis.exceptions import AuthenticationError, ChannelNotFound

HOST, PORT, SIP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CALLER, REFUSED, NOBODY = (f"{letter}1111111-2222-3333-4444-555555555555" for letter in "abc")
PATIENCE = 20  # seconds
NAMES = ["CREATE", "ANSWER", "PARK", "EXECUTE_COMPLETE", "HANGUP", "HANGUP_COMPLETE", "DESTROY"]

seen = {}
events = []
arrived = asyncio.Event()


def keep(event):
    events.append(event)
    arrived.set()


async def wait(name, but="", **headers):
    """The first event of this name with these headers (`_` for `-`), of another session than `but`."""
    wanted = {key.replace("_", "-"): value for key, value in headers.items()}
    async with asyncio.timeout(PATIENCE):
        while True:
            arrived.clear()
            for event in events:
                if event["Event-Name"] == name and wanted.items() <= event.items() and event.get("Unique-ID") != but:
                    return event
            await arrived.wait()


def order(uuid):
    names = [event["Event-Name"].removeprefix("CHANNEL_") for event in events if event.get("Unique-ID") == uuid]
    return [name for name in names if name in NAMES and name != "EXECUTE_COMPLETE"]


async def main():
    try:
        async with Inbound(HOST, PORT, "wrong", PATIENCE):
            seen["wrong password"] = "accepted"
    except AuthenticationError as error:
        seen["wrong password"] = str(error)

    # A consumer subscribes to all events and then filters for those that have a handler.
    consumer = Consumer(HOST, PORT, "ClueCon", PATIENCE)
    consumed, created = [], asyncio.Event()

    @consumer.handle("CHANNEL_HANGUP_COMPLETE")
    def hung_up(event):
        consumed.append([event["Event-Name"], event["Hangup-Cause"], event["Call-Direction"]])
        arrived.set()

    @consumer.handle("callwright::greeting")
    def greeted(event):
        # Said again until the consumer has subscribed.
        if not created.is_set():
            consumed.append([event["Event-Name"], event["x-words"]])
        created.set()

    async with Inbound(HOST, PORT, "ClueCon", PATIENCE) as esl:

        async def say(command):
            reply = await esl.send(command)
            return reply.body if reply.body is not None else reply["Reply-Text"]

        async def originate(uuid):
            variables = f"origination_uuid={uuid},origination_caller_id_number=1001"
            reply = await esl.send(f"bgapi originate {{{variables}}}sofia/external/peer@{SIP} &park()")
            return reply["Job-UUID"]

        for name in [f"CHANNEL_{name}" for name in NAMES] + ["PLAYBACK_STOP", "BACKGROUND_JOB"]:
            esl.on(name, keep)
        seen["events"] = await say("events plain ALL")
        consuming = asyncio.create_task(consumer.start())
        greeting = "sendevent CUSTOM\nEvent-Subclass: callwright::greeting\nx-words: a: b % c"
        async with asyncio.timeout(PATIENCE):
            while not created.is_set():
                await say(greeting)
                await asyncio.wait([asyncio.create_task(created.wait())], timeout=0.05)

        seen["unknown"] = await say("api no_such_command")
        seen["no session"] = await say(f"sendmsg {NOBODY}\ncall-command: hangup")
        try:
            await esl.get_channel(NOBODY)
        except ChannelNotFound as error:
            seen["no channel"] = str(error).replace(NOBODY, "nobody")

        # Answered, heard and hung up by the callee.
        job = await originate(CALLER)
        callee = (await wait("CHANNEL_PARK", Call_Direction="inbound"))["Unique-ID"]
        leg = await esl.get_channel(callee)
        seen["state"] = leg.state.name
        seen["answer"] = (await leg.answer())["Reply-Text"]
        done = await wait("BACKGROUND_JOB", Job_UUID=job)
        seen["job"] = done.body
        await wait("CHANNEL_PARK", Unique_ID=CALLER)
        seen["order of the caller"] = order(CALLER)
        played = await leg.playback("tone_stream://%(300,0,1004)", timeout=PATIENCE)
        seen["played"] = [played["Event-Name"], played["Application-Response"]]
        seen["playback"] = (await wait("PLAYBACK_STOP", Unique_ID=callee))["Playback-Status"]
        seen["hangup"] = (await leg.hangup("USER_BUSY")).body
        seen["cause"] = (await wait("CHANNEL_HANGUP_COMPLETE", Unique_ID=callee))["Hangup-Cause"]
        await wait("CHANNEL_DESTROY", Unique_ID=callee)
        seen["order of the callee"] = order(callee)

        # Refused by the callee, its events alone.
        seen["filter"] = await say(f"filter Unique-ID {REFUSED}")
        seen["filter add"] = await say("filter Call-Direction inbound")
        await originate(REFUSED)
        leg = await esl.get_channel((await wait("CHANNEL_PARK", but=callee, Call_Direction="inbound"))["Unique-ID"])
        await leg.hangup("CALL_REJECTED")
        seen["refused"] = (await wait("CHANNEL_HANGUP_COMPLETE", Unique_ID=REFUSED))["Hangup-Cause"]
        await wait("CHANNEL_DESTROY", Unique_ID=REFUSED)
        seen["order of the refused"] = order(REFUSED)
        seen["filter delete"] = await say("filter delete all")

        async with asyncio.timeout(PATIENCE):
            while len(consumed) < 5:
                arrived.clear()
                await arrived.wait()
        await consumer.stop()
        await asyncio.wait([consuming], timeout=PATIENCE)
        seen["consumed"] = consumed[:1] + sorted(consumed[1:])
        notice = asyncio.Event()
        esl.event_processors.append(
            lambda _, event: notice.set() if event.get("Content-Type") == "text/disconnect-notice" else None
        )
        seen["exit"] = await say("exit")
        async with asyncio.timeout(PATIENCE):
            await notice.wait()
        seen["notice"] = notice.is_set()
    print(json.dumps(seen))


asyncio.run(main())
