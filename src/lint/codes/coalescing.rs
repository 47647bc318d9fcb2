//! Codes ITL08xx: connections that a browser uses for a second host.

super::codes! {
    of Coalescing;
    CONNECTION_REUSED = "ITL0801" Warning None;
        title: "a certificate of one server that is valid for a host of another";
        why: "a browser that has an HTTP/2 connection sends it requests for every host of its certificate (RFC 9113 section 9.1.1), but each server of a gateway knows its own hosts only";
        fix: "put both hosts into one server with one certificate, or take certificates without a name in common";
        doc: "https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate";
}
