//! Codes ITL09xx: Gateway, HTTPRoute and ReferenceGrant of the Kubernetes Gateway API.

use super::GATEWAY_API;

/// Istio's page on the Gateway API.
const ISTIO_GATEWAY_API: &str = "https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/";
/// The Gateway API's page on ReferenceGrants.
const REFERENCE_GRANT: &str = "https://gateway-api.sigs.k8s.io/api-types/referencegrant/";

use crate::remedy::{Kind, Line, Remedy};

super::codes! {
    of GatewayApi;
    GRANT_MISSING = "ITL0901" Warning None;
        title: "a reference to another namespace without a ReferenceGrant";
        why: "without a ReferenceGrant in that namespace the reference is not followed: the listener gets no certificate, or the route answers 500";
        fix: Remedy::from("add a ReferenceGrant in the namespace that is referred to; ").and(Line::new(Kind::ManifestsGatewayApi, ["manifests", "--api", "gateway-api"])).and(" writes one");
        doc: REFERENCE_GRANT;
    LISTENER_NO_CERTIFICATE = "ITL0902" Error None;
        title: "a TLS listener without a certificate";
        why: "an API server refuses the Gateway: there is nothing to serve";
        fix: "tls: {mode: Terminate, certificateRefs: [{name: SECRET}]}";
        doc: GATEWAY_API;
    LISTENER_MISFIT = "ITL0903" Error None;
        title: "listener fields that do not go together";
        why: "an API server refuses the Gateway";
        fix: "protocol HTTPS goes with tls.mode Terminate, protocol TLS with Terminate or Passthrough; HTTP, TCP and UDP go without tls";
        doc: GATEWAY_API;
    PASSTHROUGH_CERTIFICATES = "ITL0904" Warning None;
        title: "certificates of a listener that passes TLS through";
        why: "the gateway does not open the connection, so they are ignored";
        fix: "mode: Terminate to serve them, or remove certificateRefs";
        doc: GATEWAY_API;
    API_HOSTNAME = "ITL0905" Error None;
        title: "a hostname that the Gateway API refuses";
        why: "an API server refuses the object, or no request matches: hostnames are lower-case DNS names or *.NAME, and no addresses";
        fix: "write a name as a.example.com or *.example.com; leave hostname out for every host";
        doc: GATEWAY_API;
    LISTENER_TWICE = "ITL0906" Error None;
        title: "two listeners that cannot be told apart";
        why: "an API server refuses the Gateway: names are unique, and so are port, protocol and hostname together";
        fix: "rename or remove one of them";
        doc: GATEWAY_API;
    LISTENERS_MANY = "ITL0907" Error None;
        title: "more listeners than a Gateway takes";
        why: "an API server refuses more than 64";
        fix: Remedy::from("split the Gateway; ").and(Line::new(Kind::ManifestsGatewayApi, ["manifests", "--api", "gateway-api"])).and(" does so");
        doc: GATEWAY_API;
    LISTENER_PROTOCOL = "ITL0908" Error None;
        title: "a listener protocol that Istio does not serve";
        why: "Istio does not accept the listener, and its port does not open";
        fix: "protocol: HTTP, HTTPS, TLS or TCP, in capital letters";
        doc: ISTIO_GATEWAY_API;
    CERTIFICATE_REFS = "ITL0909" Error None;
        title: "certificate references that Istio does not take";
        why: "Istio takes one Secret, or two for an RSA and an ECDSA certificate; with others the listener is not programmed";
        fix: "certificateRefs: [{name: SECRET}]";
        doc: ISTIO_GATEWAY_API;
    TERMINATE_MODE = "ITL0910" Error None;
        title: "an unknown value of gateway.istio.io/tls-terminate-mode";
        why: "Istio takes it for plain SIMPLE without a word, so clients are not asked for a certificate and everybody gets in";
        fix: "gateway.istio.io/tls-terminate-mode: MUTUAL, OPTIONAL_MUTUAL, ISTIO_MUTUAL or ISTIO_SIMPLE";
        doc: "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/";
    ROUTE_NO_GATEWAY = "ITL0920" Error None;
        title: "a route of a Gateway that is not there";
        why: "the route is attached to nothing, and its hosts answer 404";
        fix: "name the Gateway, and its namespace when it is another: parentRefs: [{name: GATEWAY, namespace: NAMESPACE}]";
        doc: GATEWAY_API;
    ROUTE_NO_LISTENER = "ITL0921" Error None;
        title: "a route of a listener that is not there";
        why: "the route is attached to nothing, and its hosts answer 404";
        fix: "sectionName: a listener's name; without it and without port the route applies to all listeners";
        doc: GATEWAY_API;
    ROUTE_NOT_ALLOWED = "ITL0922" Error None;
        title: "a route that no listener allows";
        why: "allowedRoutes of a listener lets in routes of the Gateway's own namespace only, unless it says more; the route is not accepted";
        fix: "allowedRoutes: {namespaces: {from: All}} in the listener, or move the route";
        doc: GATEWAY_API;
    ROUTE_HOSTNAMES = "ITL0923" Error None;
        title: "a route's hostname that no listener covers";
        why: "requests for it never meet the route; when no hostname is covered, the route is not accepted at all";
        fix: "add a listener for the hostname, or correct it";
        doc: GATEWAY_API;
    ROUTE_BACKEND = "ITL0924" Error None;
        title: "a route to a Service that is not there";
        why: "requests that take this route answer 500";
        fix: "correct the name, or the namespace when the Service is in another than the route";
        doc: GATEWAY_API;
    ROUTE_BACKEND_PORT = "ITL0925" Error None;
        title: "a route to a port that the Service does not have";
        why: "requests that take this route answer 500";
        fix: "port: a number of the Service's own spec.ports, not of targetPort";
        doc: GATEWAY_API;
    API_REFUSED = "ITL0926" Error None;
        title: "an object that an API server refuses";
        why: "the Gateway API's CustomResourceDefinition does not allow it";
        fix: "write what the definition allows at this place";
        doc: GATEWAY_API;
}
