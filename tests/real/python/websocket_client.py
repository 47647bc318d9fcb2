"""A WebSocket client of the gateway. Arguments: its port, the host, the file
of the trusted CA. When all is proven it prints `open` with one connection left
open, reads a line from standard input, and uses that connection again."""

import socket
import ssl
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PORT, HOST, AUTHORITY = sys.argv[1:4]


def expect(wanted, had, what):
    if wanted != had:
        sys.exit(f"{what}: wanted {wanted!r}, had {had!r}")


def opened():
    context = ssl.create_default_context(cafile=AUTHORITY)
    stream = socket.create_connection(("127.0.0.1", int(PORT)), timeout=20)
    return connect(
        f"wss://{HOST}/chat/room?one=1",
        sock=stream,
        ssl=context,
        server_hostname=HOST,
        subprotocols=["chat"],
        max_size=None,
    )


def asked(connection, message):
    connection.send(message)
    return connection.recv(timeout=20)


with opened() as connection:
    expect("chat", connection.subprotocol, "the subprotocol agreed upon")
    expect("istio-envoy", connection.response.headers["server"], "the answering server")
    expect(f"/chat/room?one=1 {HOST} https", asked(connection, "who"), "what the server is told")
    expect("grüße", asked(connection, "grüße"), "text")
    expect(b"\x00\xff", asked(connection, b"\x00\xff"), "binary")
    expect("", asked(connection, ""), "an empty message")
    large = bytes(range(256)) * 32_768
    expect(large, asked(connection, large), "8 MiB in one message")
    for number in range(500):
        expect(str(number), asked(connection, str(number)), "one of many small messages")
    if not connection.ping(b"from the client").wait(10):
        sys.exit("the client's ping is not answered")
    expect("heard", asked(connection, "ping me"), "the server's ping")

connection = opened()
try:
    asked(connection, "close 4321")
    sys.exit("the server's close did not come")
except ConnectionClosed as closed:
    expect((4321, "as you wish"), (closed.rcvd.code, closed.rcvd.reason), "the server's close")

connection = opened()
connection.close(1001, "going away")
expect(1001, connection.close_code, "the client's close, echoed by the server")

connection = opened()
expect("before", asked(connection, "before"), "before the change")
print("open", flush=True)
sys.stdin.readline()
expect("after", asked(connection, "after"), "after the change, on the connection opened before")
connection.close()
with opened() as connection:
    expect("anew", asked(connection, "anew"), "a new connection after the change")
print("every message came through")
