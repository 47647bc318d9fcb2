//! Codes ITL02xx: Gateways in combination, with their pods and Services.

use super::ISTIO_GATEWAY;

super::codes! {
    of Gateways;
    SELECTOR_NO_PODS = "ITL0201" Error Some("IST0101");
        title: "a selector that matches no pods";
        why: "the Gateway applies to no pods, so its ports do not open";
        fix: "write the labels of your gateway's pods, and lint the Gateway together with their Deployment";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0101/";
    PORT_NOT_ON_SERVICE = "ITL0202" Warning Some("IST0162");
        title: "a port that no Service of the gateway's pods has";
        why: "the gateway listens, but external clients come in through the Service and cannot reach the port";
        fix: "add the port to the gateway's Service, or use a port that it has";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0162/";
    GATEWAYS_CONFLICT = "ITL0203" Error Some("IST0145");
        title: "the same port and host in two Gateways for the same pods";
        why: "Istio keeps the server of the Gateway that was created first and drops the other server completely";
        fix: "keep the host in one of them only, or use other pods, another port or another bind";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0145/";
    HOST_TAKEN = "ITL0204" Error None;
        title: "the same port and host in two TLS servers of a Gateway";
        why: "a host has only one certificate per port: Istio drops the second server with all of its hosts";
        fix: "keep the host in one of them only";
        doc: ISTIO_GATEWAY;
    SNI_TWICE = "ITL0205" Error None;
        title: "the same SNI for two certificates";
        why: "the namespace before a host's slash is not part of the SNI, so both servers produce the same filter chain match; Envoy refuses the whole listener, and no host on the port gets the change";
        fix: "keep the host in one server, and list the namespaces there: hosts: [\"one/HOST\", \"two/HOST\"]";
        doc: ISTIO_GATEWAY;
    PORT_PROTOCOLS = "ITL0206" Error None;
        title: "servers that cannot share a port";
        why: "Istio processes the servers of a port in order, oldest Gateway first, and drops those that cannot be combined with a plain one: another protocol, TLS, a second plain TCP server";
        fix: "give one of them another port or another bind";
        doc: ISTIO_GATEWAY;
    CERTIFICATE_SHARED = "ITL0207" Warning Some("IST0138");
        title: "the same certificate in two Gateways for the same pods";
        why: "browsers reuse an HTTP/2 connection for every host that its certificate covers, and the gateway answers with 404 for a host of another server";
        fix: "put the hosts into one server, or give each Gateway its own certificate for its own hosts";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0138/";
}
