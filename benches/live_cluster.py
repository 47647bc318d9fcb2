"""Measures `serve --cluster` with many Gateways and Secrets on a real API server.

    python3 benches/live_cluster.py BINARY [COUNT]

prints its figures; benches/run takes them into docs/benchmarks.md. Needs what
scripts/install-test-tools compiles (kube-apiserver, etcd, kubectl).
"""

import os
import pathlib
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = pathlib.Path(os.environ.get("ISTIO_TLS_TOOLS", ROOT / "target/tools")) / "bin"

OBJECTS = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: h{number}, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 443, name: https-h{number}, protocol: HTTPS}}
    tls: {{mode: SIMPLE, credentialName: h{number}-credential}}
    hosts: [h{number}.example.com]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: h{number}, namespace: default}}
spec:
  hosts: [h{number}.example.com]
  gateways: [h{number}]
  http:
  - directResponse: {{status: 204}}
"""


def is_there():
    return all((TOOLS / name).exists() for name in ("kube-apiserver", "etcd", "kubectl"))


def run(command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def leaf(port, host):
    """The certificate that a new handshake is given, or None."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=host) as stream:
                return stream.getpeercert(binary_form=True)
    except OSError:
        return None


def wait_until(condition, seconds=120.0):
    """The seconds until it holds."""
    start = time.perf_counter()
    while not condition():
        if time.perf_counter() - start > seconds:
            sys.exit("it never came about")
        time.sleep(0.001)
    return time.perf_counter() - start


def resident_mib(pid):
    match = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match.group(1)) / 1024 if match else 0


def new_secret(binary, work, host, path):
    """Makes a new chain and writes its Secret; gives the new leaf."""
    run([binary, "gen-certs", host, "--root", "root", "--mode", "simple", "--force"], cwd=work)
    path.write_text(run([binary, "manifests", host, "--only", "secrets", "--no-lint"], cwd=work))
    pem = (work / host / "3_application/certs" / f"{host}.cert.pem").read_text()
    return ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 26])


def measure(binary, count, changes=10):
    """Rows of (what, value) for `count` Gateways, VirtualServices and Secrets."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        plane, work, elsewhere = folder / "plane", folder / "work", folder / "elsewhere"
        work.mkdir()
        elsewhere.mkdir()
        environment = {**os.environ, "ISTIO_TLS_TOOLS": str(TOOLS.parent), "KUBECONFIG": str(plane / "kubeconfig"),
                       "PATH": f"{TOOLS}:{os.environ['PATH']}"}
        control_plane = str(ROOT / "scripts/control-plane")
        subprocess.run([control_plane, "start", str(plane), "istio"], check=True, env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        serve = None
        try:
            (work / "hosts.txt").write_text("".join(f"h{number}.example.com\n" for number in range(count)))
            run([binary, "gen-certs", "--hosts-file", "hosts.txt", "--root", "root", "--mode", "simple"], cwd=work)
            secrets = run([binary, "manifests", "--only", "secrets", "--no-lint"], cwd=work)
            (folder / "all.yaml").write_text(secrets + "".join(OBJECTS.format(number=number) for number in range(count)))
            start = time.perf_counter()
            run([binary, "apply", "-f", str(folder / "all.yaml"), "--no-lint", "--no-wait", "--yes"], cwd=elsewhere, env=environment)
            applied = time.perf_counter() - start
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            start = time.perf_counter()
            serve = subprocess.Popen(
                [binary, "serve", "--cluster", "--port-map", f"443={port}", "--admin", "off", "--access-log", "off"],
                cwd=elsewhere, env=environment, stdout=subprocess.DEVNULL, stderr=open(folder / "log", "wb"))
            last = f"h{count - 1}.example.com"
            wait_until(lambda: serve.poll() is not None or leaf(port, last))
            if serve.poll() is not None:
                sys.exit((folder / "log").read_text())
            listening = time.perf_counter() - start
            memory = resident_mib(serve.pid)
            seen = []
            for number in range(changes):
                host = f"h{number * count // changes}.example.com"
                new = new_secret(binary, work, host, folder / "secret.yaml")
                start = time.perf_counter()
                run([str(TOOLS / "kubectl"), "replace", "-f", str(folder / "secret.yaml")], env=environment)
                replaced = time.perf_counter() - start
                # kubectl itself takes a while to end after the server has answered it.
                seen.append((replaced, replaced + wait_until(lambda: leaf(port, host) == new)))
            after = resident_mib(serve.pid)
            alone = statistics.median(one for one, _ in seen)
            both = statistics.median(both for _, both in seen)
            start = time.perf_counter()
            linted = subprocess.run([binary, "lint", "--cluster", "--fail-on", "error", "-q"], cwd=elsewhere, env=environment,
                                    capture_output=True, text=True, check=False)
            lint = time.perf_counter() - start
            if linted.returncode not in (0, 1):
                sys.exit(linted.stdout + linted.stderr)
            return [
                (f"apply -f of {3 * count} objects", f"{applied:.1f} s"),
                ("start to the last host's handshake", f"{listening:.2f} s"),
                ("resident memory", f"{memory:.0f} MiB"),
                (f"the same after {changes} replaced Secrets", f"{after:.0f} MiB"),
                ("`kubectl replace` of a Secret alone", f"{alone * 1000:.0f} ms"),
                ("the same until a handshake shows the new certificate", f"{both * 1000:.0f} ms"),
                (f"lint --cluster", f"{lint:.2f} s"),
            ]
        finally:
            if serve and serve.poll() is None:
                serve.terminate()
                serve.wait()
            subprocess.run([control_plane, "stop", str(plane)], check=False, env=environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def section(rows, count):
    """The lines of docs/benchmarks.md."""
    return ["", f"## A cluster with {count} Gateways, VirtualServices and Secrets", "", "| | istio-tls |", "|---|---|",
            *(f"| {what} | {value} |" for what, value in rows)]


if __name__ == "__main__":
    if not is_there():
        sys.exit(f"there is no API server in {TOOLS}: scripts/install-test-tools")
    objects = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    print("\n".join(section(measure(os.path.abspath(sys.argv[1]), objects), objects)))
