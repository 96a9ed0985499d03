//! Names that occur again and again, kept once: of a million tickets, few are in another section or
//! row, or of another type, than the one before.

use std::sync::Arc;

use foldhash::HashSet;

/// The texts that were met so far.
#[derive(Debug, Default)]
pub(super) struct SharedText(HashSet<Arc<str>>);

impl SharedText {
    /// The one copy of a text.
    pub(super) fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = text.into();
        self.0.insert(Arc::clone(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_met_before_is_not_kept_again() {
        let mut shared = SharedText::default();
        let (first, again) = (shared.of("Floor A"), shared.of("Floor A"));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(&*shared.of("Floor B"), "Floor B");
    }
}
