//! Presents the clients of each host to the gateway: those of the current CAs, which it
//! must accept, and those of a removed CA, which it must refuse.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::facts::{HostState, Served, Shown, ShownClient};
use crate::certs::CertificateDer;
use crate::ops::chain_clients::{self, HeldClient, certificates};
use crate::ops::client_look::{Asked, Identity, look};
use crate::ops::cluster_ingress::Reached;
use crate::ops::{Failure, Surroundings};
use crate::workspace::config::{HostEntry, Mode};
use crate::workspace::layout::{ChainLayout, Part};

/// How many hosts are probed at once.
const CONCURRENCY: usize = 64;

/// A client of a host, and whether the files trust its CA.
struct Claim {
    identity: Identity,
    is_trusted: bool,
}

/// Presents every host's clients to the gateway that served its leaf, with one request
/// each, like `probe`.
///
/// # Errors
/// If TLS cannot use a client's key.
pub(super) async fn shown(
    states: &mut [HostState],
    entries: &[HostEntry],
    reached: &Reached,
    patience: Duration,
    here: &Surroundings,
) -> Result<(), Failure> {
    let asking = states.iter().zip(entries).map(|(state, entry)| async move {
        let mut seen = Vec::new();
        if !matches!(state.served, Some((_, Served::Leaf(_)))) || state.mode == Mode::Simple {
            return Ok(seen);
        }
        let layout = ChainLayout::new(&here.dir, &state.host);
        // What cannot be read is already reported as broken.
        let claims = claims(&layout, here).unwrap_or_default();
        let asked = Asked {
            layout: &layout,
            entry,
            mode: state.mode,
        };
        for Claim { identity, is_trusted } in claims {
            let look = look(asked, &identity, reached, patience, here).await?;
            seen.push(ShownClient {
                label: look.label,
                is_trusted,
                outcome: match look.refusal() {
                    Some(how) => Some(Shown::Refused(how)),
                    None => look.is_let_in().then_some(Shown::LetIn),
                },
            });
        }
        Ok(seen)
    });
    let seen: Vec<Result<Vec<ShownClient>, Failure>> = stream::iter(asking).buffered(CONCURRENCY).collect().await;
    for (state, seen) in states.iter_mut().zip(seen) {
        state.clients = seen?;
    }
    Ok(())
}

/// One client of each CA that a gateway may trust, if one is valid and its key is here.
fn claims(layout: &ChainLayout, here: &Surroundings) -> Result<Vec<Claim>, Failure> {
    let trusted: Vec<CertificateDer<'static>> = certificates(layout, Part::CaChain)?;
    let gone = match trusted.as_slice() {
        [] => Vec::new(),
        trusted => chain_clients::gone(layout, trusted, here)?,
    };
    let all: [(&'static str, Vec<HeldClient>, bool); 3] = [
        ("the client chain", chain_clients::of_chain(layout, here.now)?, true),
        (
            "the client chain of the previous CA",
            chain_clients::of_previous_ca(layout, here.now)?,
            true,
        ),
        ("the client chain of the removed CA", gone, false),
    ];
    let claims = all.iter().map(|(label, clients, is_trusted)| Claim {
        identity: Identity::of(label, &trusted, clients),
        is_trusted: *is_trusted,
    });
    Ok(claims.filter(|claim| claim.identity.pair.is_some()).collect())
}
