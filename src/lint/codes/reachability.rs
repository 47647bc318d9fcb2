//! Codes ITL07xx: routes and matches that no request reaches.

use super::ISTIO_VIRTUAL_SERVICE;

super::codes! {
    of Reachability;
    ROUTE_UNREACHABLE = "ITL0701" Warning Some("IST0130");
        title: "a route that an earlier one hides";
        why: "the first route that matches is taken, so this one is never used";
        fix: "move it before the route that hides it, or remove it";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0130/";
    MATCH_TWICE = "ITL0702" Info Some("IST0131");
        title: "a match that stands twice";
        why: "the first route that matches is taken, so the second match has no effect";
        fix: "remove one of the two";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0131/";
    MATCH_COVERED = "ITL0703" Info Some("IST0131");
        title: "a match that an earlier prefix covers";
        why: "a prefix is compared as plain text, and the first route that matches is taken, so this match has no effect";
        fix: "move the longer prefix before the shorter one";
        doc: "https://istio.io/latest/docs/reference/config/analysis/ist0131/";
    CATCH_ALL_BEFORE_OTHERS = "ITL0704" Warning None;
        title: "a match of every request before other routes";
        why: "Istio drops what follows a match of every path without other conditions";
        fix: "move it to the end, or add the condition that was meant";
        doc: ISTIO_VIRTUAL_SERVICE;
    HIDDEN_BY_ANOTHER = "ITL0705" Warning None;
        title: "a route that another VirtualService of the host hides";
        why: "the gateway joins the routes of all VirtualServices of a host, the oldest first, and takes the first that matches";
        fix: "put both routes into one VirtualService, the longer path first, or narrow the match of the one that comes first";
        doc: "https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services";
}
