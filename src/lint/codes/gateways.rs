//! Codes ITL02xx: Gateways beside others, their pods and Services.

use super::ISTIO_GATEWAY;

super::codes! {
    of Gateways;
    SELECTOR_NO_PODS = "ITL0201" Error Some("IST0101");
        title: "a selector that matches no pods";
        why: "the Gateway applies to no gateway, so its ports do not open";
        fix: "write the labels of your gateway's pods, and lint together with their Deployment";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0101/";
    PORT_NOT_ON_SERVICE = "ITL0202" Warning Some("IST0162");
        title: "a port that no Service of the gateway's pods has";
        why: "the gateway listens, but clients from outside come in by the Service and cannot reach the port";
        fix: "add the port to the gateway's Service, or use one that it has";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0162/";
    GATEWAYS_CONFLICT = "ITL0203" Error Some("IST0145");
        title: "the same port and host in two Gateways of the same pods";
        why: "Istio keeps the server of the Gateway that was created first and drops the whole other server";
        fix: "leave the host in one of them, or choose other pods, another port or another bind";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0145/";
    HOST_TAKEN = "ITL0204" Error None;
        title: "the same port and host in two TLS servers of a Gateway";
        why: "a host of a port has one certificate: Istio drops the later server, with all of its hosts";
        fix: "leave the host in one of them";
        doc: ISTIO_GATEWAY;
    SNI_TWICE = "ITL0205" Error None;
        title: "the same SNI for two certificates";
        why: "the namespace before a host's slash does not take part in SNI, so both servers ask Envoy for the same filter chain; Envoy refuses the whole listener, and none of the port's hosts gets the change";
        fix: "leave the host in one server, and list the namespaces there: hosts: [\"one/HOST\", \"two/HOST\"]";
        doc: ISTIO_GATEWAY;
    PORT_PROTOCOLS = "ITL0206" Error None;
        title: "servers that cannot share a port";
        why: "Istio takes the servers of a port in order, the oldest Gateway first, and drops what cannot stand beside a plain one: another protocol, TLS, a second plain TCP server";
        fix: "give one of them another port or another bind";
        doc: ISTIO_GATEWAY;
    CERTIFICATE_SHARED = "ITL0207" Warning Some("IST0138");
        title: "one certificate in two Gateways of the same pods";
        why: "browsers reuse an HTTP/2 connection for every host that its certificate covers, and the gateway answers 404 for a host of another server";
        fix: "put the hosts into one server, or give each Gateway its own certificate for its own hosts";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0138/";
}
