"""A call that genesis' Outbound serves; prints what it saw as JSON. Arguments: host, port, address of SIP."""

import asyncio
import json
import sys

from genesis import Inbound, Outbound

HOST, PORT, SIP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CALLER = "a1111111-2222-3333-4444-555555555555"
PATIENCE = 20  # seconds

seen = {}
done = asyncio.Event()


async def serve(session):
    names, ended = [], asyncio.Event()

    def keep(event):
        names.append(event["Event-Name"].removeprefix("CHANNEL_"))
        if names[-1] == "HANGUP_COMPLETE":
            ended.set()

    try:
        data = session.context
        seen["data"] = [data[name] for name in ("Event-Name", "Unique-ID", "Caller-Destination-Number")]
        seen["mode"] = [data[name].strip() for name in ("Reply-Text", "Socket-Mode", "Control")]
        for name in ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_STATE", "CHANNEL_UNPARK"]:
            session.on(name, keep)
        seen["answer"] = (await session.channel.answer())["Reply-Text"]
        played = await session.channel.playback("tone_stream://%(300,0,1004)", timeout=PATIENCE)
        seen["played"] = [played["Application"], played["Application-Response"]]
        seen["set"] = (await session.sendmsg("execute", "set", "mood=bright"))["Reply-Text"]
        seen["api"] = (await session.send(f"api uuid_exists {CALLER}")).body
        seen["nobody"] = (await session.send("sendmsg nobody\ncall-command: hangup"))["Reply-Text"]
        seen["hangup"] = (await session.sendmsg("hangup", "USER_BUSY"))["Reply-Text"]
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        seen["ended"] = names
        seen["exit"] = (await session.send("exit"))["Reply-Text"]
    except Exception as error:
        seen["failed"] = repr(error)
    done.set()


async def main():
    server = Outbound(serve, "127.0.0.1", 0)
    await server.start(block=False)
    address = "127.0.0.1:%d" % server.server.sockets[0].getsockname()[1]
    async with Inbound(HOST, PORT, "ClueCon", PATIENCE) as esl:
        parked = asyncio.Queue()
        esl.on("CHANNEL_PARK", parked.put_nowait)
        await esl.send("event plain CHANNEL_PARK")
        await esl.send("filter Call-Direction inbound")
        variables = f"origination_uuid={CALLER},origination_caller_id_number=1001"
        await esl.send(f"bgapi originate {{{variables}}}sofia/external/peer@{SIP} '&socket({address} async full)'")
        async with asyncio.timeout(PATIENCE):
            callee = (await parked.get())["Unique-ID"]
            await esl.send(f"api uuid_answer {callee}")
            await done.wait()
    await server.stop()
    print(json.dumps(seen))


asyncio.run(main())
