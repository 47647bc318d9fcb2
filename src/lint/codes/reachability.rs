//! Codes ITL07xx: routes and matches that no request can reach.

use super::ISTIO_VIRTUAL_SERVICE;

super::codes! {
    of Reachability;
    ROUTE_UNREACHABLE = "ITL0701" Warning Some("IST0130");
        title: "a route hidden by an earlier one";
        why: "the first matching route is used, so this one never is";
        fix: "move it before the route that hides it, or remove it";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0130/";
    MATCH_TWICE = "ITL0702" Info Some("IST0131");
        title: "a duplicate match";
        why: "the first matching route is used, so the second match has no effect";
        fix: "remove one of them";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0131/";
    MATCH_COVERED = "ITL0703" Info Some("IST0131");
        title: "a match covered by an earlier prefix";
        why: "prefixes are compared as plain text, and the first matching route is used, so this match has no effect";
        fix: "move the longer prefix before the shorter one";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0131/";
    CATCH_ALL_BEFORE_OTHERS = "ITL0704" Warning None;
        title: "a catch-all match before other routes";
        why: "Istio drops everything after a match for every path without other conditions";
        fix: "move it to the end, or add the missing condition";
        doc: ISTIO_VIRTUAL_SERVICE;
    HIDDEN_BY_ANOTHER = "ITL0705" Warning None;
        title: "a route hidden by another VirtualService of the same host";
        why: "the gateway merges the routes of all VirtualServices of a host, oldest first, and uses the first match";
        fix: "put both routes into one VirtualService, longer path first, or narrow the match that comes first";
        doc: "https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services";
}
