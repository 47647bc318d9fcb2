//! Codes ITL08xx: connections that a browser reuses for a second host.

super::codes! {
    of Coalescing;
    CONNECTION_REUSED = "ITL0801" Warning None;
        title: "a server's certificate that is also valid for a host of another server";
        why: "a browser may reuse an HTTP/2 connection for every host in its certificate (RFC 9113 section 9.1.1), but each server of a gateway knows only its own hosts";
        fix: "put both hosts into one server with one certificate, or use certificates with no name in common";
        doc: "https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate";
}
