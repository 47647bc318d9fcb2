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
        why: "without a ReferenceGrant in that namespace, the reference is not resolved: the listener gets no certificate, or the route answers with 500";
        fix: Remedy::from("add a ReferenceGrant in the target namespace; ").and(Line::new(Kind::ManifestsGatewayApi, ["manifests", "--api", "gateway-api"])).and(" writes one");
        doc: REFERENCE_GRANT;
    LISTENER_NO_CERTIFICATE = "ITL0902" Error None;
        title: "a TLS listener without a certificate";
        why: "the API server refuses the Gateway: there is nothing to serve";
        fix: "tls: {mode: Terminate, certificateRefs: [{name: SECRET}]}";
        doc: GATEWAY_API;
    LISTENER_MISFIT = "ITL0903" Error None;
        title: "incompatible listener fields";
        why: "the API server refuses the Gateway";
        fix: "protocol HTTPS takes tls.mode Terminate, protocol TLS takes Terminate or Passthrough; HTTP, TCP and UDP take no tls";
        doc: GATEWAY_API;
    PASSTHROUGH_CERTIFICATES = "ITL0904" Warning None;
        title: "certificates on a passthrough listener";
        why: "the gateway does not terminate TLS, so they are ignored";
        fix: "mode: Terminate to serve them, or remove certificateRefs";
        doc: GATEWAY_API;
    API_HOSTNAME = "ITL0905" Error None;
        title: "a hostname that the Gateway API refuses";
        why: "the API server refuses the object, or no request matches: hostnames are lowercase DNS names or *.NAME, not addresses";
        fix: "write a name such as a.example.com or *.example.com; omit hostname to match every host";
        doc: GATEWAY_API;
    LISTENER_TWICE = "ITL0906" Error None;
        title: "duplicate listeners";
        why: "the API server refuses the Gateway: names must be unique, and so must the combination of port, \
            protocol and hostname";
        fix: "rename or remove one of them";
        doc: GATEWAY_API;
    LISTENERS_MANY = "ITL0907" Error None;
        title: "too many listeners";
        why: "the API server refuses more than 64";
        fix: Remedy::from("split the Gateway; ").and(Line::new(Kind::ManifestsGatewayApi, ["manifests", "--api", "gateway-api"])).and(" does so");
        doc: GATEWAY_API;
    LISTENER_PROTOCOL = "ITL0908" Error None;
        title: "a listener protocol that Istio does not serve";
        why: "Istio does not accept the listener, so its port does not open";
        fix: "protocol: HTTP, HTTPS, TLS or TCP, in capitals";
        doc: ISTIO_GATEWAY_API;
    CERTIFICATE_REFS = "ITL0909" Error None;
        title: "certificate references that Istio does not support";
        why: "Istio supports one Secret, or two for an RSA and an ECDSA certificate; with anything else the listener is not programmed";
        fix: "certificateRefs: [{name: SECRET}]";
        doc: ISTIO_GATEWAY_API;
    TERMINATE_MODE = "ITL0910" Error None;
        title: "an unknown value of gateway.istio.io/tls-terminate-mode";
        why: "Istio silently treats it as SIMPLE, so clients are not asked for a certificate and anyone gets in";
        fix: "gateway.istio.io/tls-terminate-mode: MUTUAL, OPTIONAL_MUTUAL, ISTIO_MUTUAL or ISTIO_SIMPLE";
        doc: "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/";
    ROUTE_NO_GATEWAY = "ITL0920" Error None;
        title: "a route that refers to a missing Gateway";
        why: "the route is attached to nothing, and requests to its hosts get 404";
        fix: "name the Gateway, and its namespace if it is in another one: parentRefs: [{name: GATEWAY, namespace: NAMESPACE}]";
        doc: GATEWAY_API;
    ROUTE_NO_LISTENER = "ITL0921" Error None;
        title: "a route that refers to a missing listener";
        why: "the route is attached to nothing, and requests to its hosts get 404";
        fix: "sectionName: the name of a listener; without sectionName and port the route applies to all listeners";
        doc: GATEWAY_API;
    ROUTE_NOT_ALLOWED = "ITL0922" Error None;
        title: "a route that no listener accepts";
        why: "by default, a listener's allowedRoutes accepts only routes from the Gateway's own namespace; this route is not accepted";
        fix: "set allowedRoutes: {namespaces: {from: All}} in the listener, or move the route";
        doc: GATEWAY_API;
    ROUTE_HOSTNAMES = "ITL0923" Error None;
        title: "a route hostname that no listener covers";
        why: "requests for it never reach the route; if no hostname is covered, the route is not accepted at all";
        fix: "add a listener for the hostname, or correct it";
        doc: GATEWAY_API;
    ROUTE_BACKEND = "ITL0924" Error None;
        title: "a route to a missing Service";
        why: "requests on this route get 500";
        fix: "correct the name, or the namespace if the Service is in a different one from the route";
        doc: GATEWAY_API;
    ROUTE_BACKEND_PORT = "ITL0925" Error None;
        title: "a route to a port that the Service does not have";
        why: "requests on this route get 500";
        fix: "port: a port number from the Service's spec.ports, not a targetPort";
        doc: GATEWAY_API;
    API_REFUSED = "ITL0926" Error None;
        title: "an object that the API server refuses";
        why: "the Gateway API's CustomResourceDefinition does not allow it";
        fix: "write what the CustomResourceDefinition allows here";
        doc: GATEWAY_API;
}
