//! Processes that die while they make a store.

use std::thread::sleep;
use std::time::Duration;

use crate::sandbox::Sandbox;

#[test]
fn a_store_whose_maker_was_killed_is_made_by_the_next_one() {
    let mut unfinished = 0;
    for millis in (0..24).step_by(2) {
        let sandbox = Sandbox::new();
        let mut maker = sandbox.start(&["schema", "apply"]);
        sleep(Duration::from_millis(millis));
        // On a quick machine the last ones are through by then.
        if maker.is_running() {
            unfinished += 1;
        }
        drop(maker);
        sandbox.seed_hall(&[]).done();
        sandbox.serves_the_next_buyer("hall");
        sandbox.passes_its_audit();
    }
    assert!(unfinished > 0, "nobody was killed before the store was made");
}
