//! The floor: a map in memory, an append-only file, one sync for a group of claims.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

use tempfile::TempDir;
use tix::domain::{BuyerId, HoldId};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use crate::{TICKETS, load};

struct Claim {
    ticket: u32,
    hold: HoldId,
    buyer: BuyerId,
    caller: oneshot::Sender<bool>,
}

pub(crate) fn rate(tasks: usize, span: Duration) -> f64 {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = File::create(folder.path().join("claims")).unwrap();
    let (queue, claims) = mpsc::channel(4096);
    let thread = std::thread::spawn(move || serve(claims, file));
    let rate = load::rate(&Runtime::new().unwrap(), TICKETS, tasks, span, move |ticket| {
        let queue = queue.clone();
        async move {
            let (caller, answer) = oneshot::channel();
            let (hold, buyer) = (HoldId::fresh(), BuyerId::fresh());
            queue.send(Claim { ticket, hold, buyer, caller }).await.ok().unwrap();
            assert!(answer.await.unwrap());
        }
    });
    thread.join().unwrap();
    rate
}

fn serve(mut claims: mpsc::Receiver<Claim>, mut file: File) {
    let mut owners: HashMap<u32, HoldId> = HashMap::new();
    let mut owned: HashMap<BuyerId, u32> = HashMap::new();
    let mut record = Vec::new();
    let mut answers = Vec::new();
    while let Some(first) = claims.blocking_recv() {
        let mut next = Some(first);
        while let Some(claim) = next {
            let count = owned.entry(claim.buyer).or_default();
            let granted = *count < 10 && !owners.contains_key(&claim.ticket);
            if granted {
                *count += 1;
                owners.insert(claim.ticket, claim.hold);
                record.extend_from_slice(&claim.ticket.to_le_bytes());
                record.extend_from_slice(claim.hold.as_bytes());
                record.extend_from_slice(claim.buyer.as_bytes());
            }
            answers.push((claim.caller, granted));
            next = if answers.len() < 1024 { claims.try_recv().ok() } else { None };
        }
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        record.clear();
        for (caller, granted) in answers.drain(..) {
            let _ = caller.send(granted);
        }
    }
}
