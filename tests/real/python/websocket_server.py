"""A WebSocket server: echoes, and closes with the code it is told. Arguments:
for TLS a certificate and its key. Prints its port, serves until its standard
input ends. One thread only, for the reason that the client tells."""

import asyncio
import ssl
import sys

from websockets.asyncio.server import serve


async def answer(connection):
    pinging = None
    async for message in connection:
        if isinstance(message, str) and message.startswith("close "):
            await connection.close(int(message.split()[1]), "as you wish")
            return
        if message == "who":
            headers = connection.request.headers
            await connection.send(f"{connection.request.path} {headers['host']} {headers['x-forwarded-proto']}")
            continue
        if message == "ping me":
            # The answer to it can be read only while this waits: it needs a task of its own.
            # Kept by name: the loop holds a task only weakly.
            pinging = asyncio.create_task(ping(connection))
            continue
        await connection.send(message)
    if pinging is not None:
        pinging.cancel()


async def ping(connection):
    try:
        await asyncio.wait_for(await connection.ping(b"from the server"), 60)
        await connection.send("heard")
    except asyncio.TimeoutError:
        await connection.send("not heard")


async def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        # As real servers do that also speak HTTP/2; a WebSocket must not choose it.
        context.set_alpn_protocols(["h2", "http/1.1"])
    async with serve(answer, "127.0.0.1", 0, ssl=context, max_size=None, subprotocols=["chat"]) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
