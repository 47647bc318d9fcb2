"""A gRPC server of generic handlers: bytes in, bytes out, no generated code.

Listens in plain text (h2c) on a free port of the loopback address, prints the
port, and serves until its standard input ends.
"""

import sys
import time
from concurrent import futures

import grpc


def echo(request, context):
    """Answers with what it was sent, and with the metadata that came along."""
    sent = dict(context.invocation_metadata())
    context.send_initial_metadata((
        ("x-initial", sent.get("x-asked", "-")),
        ("x-proto", sent.get("x-forwarded-proto", "-")),
        ("x-binary-bin", sent.get("x-binary-bin", b"")),
    ))
    context.set_trailing_metadata((("x-trailing", "after the message"), ("x-binary-bin", b"\x00\xff")))
    return request


def count(request, context):
    """Streams the numbers below the one it was sent."""
    for number in range(int(request)):
        yield str(number).encode()
    context.set_trailing_metadata((("x-sent", request.decode()),))


def gather(requests, context):
    """Answers with the length of all that the client streamed."""
    return str(sum(len(request) for request in requests)).encode()


def talk(requests, context):
    """Answers each message before the next comes."""
    for request in requests:
        yield request.upper()


def fail(request, context):
    """A status with a message beyond ASCII, and details in a binary trailer."""
    context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x05\x12\x07details"),))
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: 100 % größer")


def fail_after(request, context):
    """Fails when messages were sent already."""
    yield b"one"
    yield b"two"
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")


def slow(request, context):
    """Answers when the client has given up; tells whether it heard of that."""
    for _ in range(500):
        if not context.is_active():
            return b""
        time.sleep(0.01)
    return b"late"


METHODS = {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Gather": grpc.stream_unary_rpc_method_handler(gather),
    "Talk": grpc.stream_stream_rpc_method_handler(talk),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "FailAfter": grpc.unary_stream_rpc_method_handler(fail_after),
    "Slow": grpc.unary_unary_rpc_method_handler(slow),
}


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", METHODS),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


main()
