"""A WebSocket server: echoes, and closes with the code it is told. Arguments:
for TLS a certificate and its key. Prints its port, serves until its standard
input ends."""

import ssl
import sys
import threading

from websockets.sync.server import serve


def answer(connection):
    for message in connection:
        if isinstance(message, str) and message.startswith("close "):
            connection.close(int(message.split()[1]), "as you wish")
            return
        if message == "who":
            headers = connection.request.headers
            connection.send(f"{connection.request.path} {headers['host']} {headers['x-forwarded-proto']}")
            continue
        if message == "ping me":
            connection.send("heard" if connection.ping(b"from the server").wait(10) else "not heard")
            continue
        connection.send(message)


context = None
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    # As real servers do that also speak HTTP/2; a WebSocket must not choose it.
    context.set_alpn_protocols(["h2", "http/1.1"])
with serve(answer, "127.0.0.1", 0, ssl=context, max_size=None, subprotocols=["chat"]) as server:
    print(server.socket.getsockname()[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
