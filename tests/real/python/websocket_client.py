"""A WebSocket client of the gateway. Arguments: its port, the host, the file
of the trusted CA. When all is proven it prints `open` with one connection left
open, reads a line from standard input, and uses that connection again.

One thread only: Python before 3.13 reads and writes one TLS connection from two
threads without a lock, and a session ticket that comes meanwhile stalls it."""

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PORT, HOST, AUTHORITY = sys.argv[1:4]


def expect(wanted, had, what):
    if wanted != had:
        sys.exit(f"{what}: wanted {wanted!r}, had {had!r}")


def opened():
    return connect(
        f"wss://{HOST}/chat/room?one=1",
        host="127.0.0.1",
        port=int(PORT),
        ssl=ssl.create_default_context(cafile=AUTHORITY),
        server_hostname=HOST,
        subprotocols=["chat"],
        max_size=None,
        open_timeout=60,
    )


async def asked(connection, message):
    await connection.send(message)
    return await asyncio.wait_for(connection.recv(), 60)


async def every_kind_of_message():
    async with opened() as connection:
        expect("chat", connection.subprotocol, "the subprotocol agreed upon")
        expect("istio-envoy", connection.response.headers["server"], "the answering server")
        expect(f"/chat/room?one=1 {HOST} https", await asked(connection, "who"), "what the server is told")
        expect("grüße", await asked(connection, "grüße"), "text")
        expect(b"\x00\xff", await asked(connection, b"\x00\xff"), "binary")
        expect("", await asked(connection, ""), "an empty message")
        large = bytes(range(256)) * 32_768
        expect(large, await asked(connection, large), "8 MiB in one message")
        for number in range(500):
            expect(str(number), await asked(connection, str(number)), "one of many small messages")
        await asyncio.wait_for(await connection.ping(b"from the client"), 60)
        expect("heard", await asked(connection, "ping me"), "the server's ping")


async def both_sides_close():
    async with opened() as connection:
        try:
            await asked(connection, "close 4321")
            sys.exit("the server's close did not come")
        except ConnectionClosed as closed:
            expect((4321, "as you wish"), (closed.rcvd.code, closed.rcvd.reason), "the server's close")
    async with opened() as connection:
        await connection.close(1001, "going away")
        expect(1001, connection.close_code, "the client's close, echoed by the server")


async def across_a_change():
    async with opened() as connection:
        expect("before", await asked(connection, "before"), "before the change")
        print("open", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        expect("after", await asked(connection, "after"), "after the change, on the connection opened before")
    async with opened() as connection:
        expect("anew", await asked(connection, "anew"), "a new connection after the change")


async def main():
    await every_kind_of_message()
    await both_sides_close()
    await across_a_change()
    print("every message came through")


asyncio.run(main())
