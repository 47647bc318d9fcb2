"""A gRPC client of the gateway: every kind of call, its metadata, trailers and
status. Arguments: the gateway's port, the host, the file of the trusted CA."""

import queue
import sys

import grpc

PORT, HOST, AUTHORITY = sys.argv[1:4]
SECONDS = 20


def expect(wanted, had, what):
    if wanted != had:
        sys.exit(f"{what}: wanted {wanted!r}, had {had!r}")


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    sys.exit("a call that must fail came back")


with open(AUTHORITY, "rb") as file:
    credentials = grpc.ssl_channel_credentials(root_certificates=file.read())
channel = grpc.secure_channel(
    f"ipv4:127.0.0.1:{PORT}",
    credentials,
    options=(("grpc.ssl_target_name_override", HOST), ("grpc.default_authority", HOST)),
)

echo = channel.unary_unary("/test.Test/Echo")
answer, call = echo.with_call(b"hello", timeout=SECONDS, metadata=(("x-asked", "yes"), ("x-binary-bin", b"\x01\x02")))
initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
expect(b"hello", answer, "unary")
expect("yes", initial.get("x-initial"), "initial metadata")
expect("https", initial.get("x-proto"), "the protocol that the server is told")
expect(b"\x01\x02", initial.get("x-binary-bin"), "binary initial metadata")
expect("after the message", trailing.get("x-trailing"), "trailing metadata")
expect(b"\x00\xff", trailing.get("x-binary-bin"), "binary trailing metadata")
expect(grpc.StatusCode.OK, call.code(), "status of the unary call")

large = bytes(3_000_000)
expect(large, echo(large, timeout=SECONDS), "a large message both ways")
expect(b"", echo(b"", timeout=SECONDS), "an empty message")

stream = channel.unary_stream("/test.Test/Count")(b"1000", timeout=SECONDS)
expect([str(number).encode() for number in range(1000)], list(stream), "server streaming")
expect("1000", dict(stream.trailing_metadata()).get("x-sent"), "trailing metadata of a stream")

gathered = channel.stream_unary("/test.Test/Gather")(iter([bytes(10_000)] * 100), timeout=SECONDS)
expect(b"1000000", gathered, "client streaming")

to_send = queue.Queue()
talk = channel.stream_stream("/test.Test/Talk")(iter(to_send.get, None), timeout=SECONDS)
for word in (b"ping", b"pong", b"done"):
    to_send.put(word)
    expect(word.upper(), next(talk), "bidirectional streaming, turn by turn")
to_send.put(None)
expect([], list(talk), "the end of the conversation")
expect(grpc.StatusCode.OK, talk.code(), "status of the conversation")

error = failure(lambda: channel.unary_unary("/test.Test/Fail")(b"", timeout=SECONDS))
expect(grpc.StatusCode.NOT_FOUND, error.code(), "error status")
expect("no such thing: 100 % größer", error.details(), "error message")
expect(b"\x08\x05\x12\x07details", dict(error.trailing_metadata()).get("grpc-status-details-bin"), "error details")

stream = channel.unary_stream("/test.Test/FailAfter")(b"", timeout=SECONDS)
had = []
error = failure(lambda: [had.append(message) for message in stream])
expect([b"one", b"two"], had, "messages before a failure")
expect(grpc.StatusCode.RESOURCE_EXHAUSTED, error.code(), "status after messages")
expect("enough", error.details(), "message after messages")

error = failure(lambda: channel.unary_unary("/test.Test/Slow")(b"", timeout=0.3))
# The gateway reads grpc-timeout, too, and says "unavailable" at that time, as Envoy
# does: which of the two ends the call first is a race.
ends = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
expect(True, error.code() in ends, f"deadline: {error.code()}")
error = failure(lambda: channel.unary_unary("/test.Test/Unknown")(b"", timeout=SECONDS))
expect(grpc.StatusCode.UNIMPLEMENTED, error.code(), "a method that the server does not have")
pending = channel.unary_unary("/test.Test/Slow").future(b"", timeout=SECONDS)
pending.cancel()
expect(b"still here", echo(b"still here", timeout=SECONDS), "a call after one was cancelled")
print("every call came through")
