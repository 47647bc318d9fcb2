//! h2load at `serve --cluster` at 1,000 requests a second while kubectl replaces
//! the Secret. No request may fail.

use crate::cluster_live::Served;
use crate::control_plane::ControlPlane;
use crate::gateway_reload_load::{Load, page};

const HOST: &str = "httpbin.example.com";
/// How often the Secret is replaced.
const CHANGES: usize = 10;
/// How long the clients go on; the changes must be done by then.
const SECONDS: usize = 30;

#[test]
fn secrets_replaced_under_load_lose_no_request() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-load", &[HOST], "simple");
    let mut serve = served.serve(&["--access-log", "off"]);
    let mut loads = [
        Load::start(serve.address(443), &["--h1"], 50, 10, SECONDS),
        Load::start(serve.address(443), &["-m", "10"], 25, 20, SECONDS),
    ];
    serve.wait_until("all clients are connected", |serve| {
        let stats = page(serve, "/stats/prometheus");
        let active = stats
            .lines()
            .find_map(|line| line.strip_prefix("envoy_http_downstream_cx_active "));
        active.and_then(|count| count.parse().ok()).unwrap_or(0) >= 75
    });
    for number in 0..CHANGES {
        let before = page(&serve, "/certs");
        served.new_chain();
        // Deleted and made anew every other time.
        let how: &[&str] = if number % 2 == 0 {
            &["replace"]
        } else {
            &["replace", "--force"]
        };
        plane.kubectl_with(how, &served.secret());
        serve.wait_until("the new certificate is there", |serve| page(serve, "/certs") != before);
    }
    assert!(
        loads.iter_mut().all(Load::goes_on),
        "the load ended before the changes did"
    );
    for load in loads {
        load.lost_nothing();
    }
}
