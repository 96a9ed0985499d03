//! Which tickets are for buyers who need an accessible seat, and for their companions.
//!
//! The ticket type says so: any of [`WORDS`], as a whole word, in any case. A venue that names its
//! types otherwise adds one of the words: `Rang 2 (wheelchair)`. Such tickets are chosen only where
//! their type is asked for; a seat that is named can be held like any other.

/// The words that mark a ticket type as accessible.
pub const WORDS: [&str; 18] = [
    "wheelchair",
    "wheelchairs",
    "accessible",
    "accessibility",
    "ada",
    "companion",
    "companions",
    "carer",
    "carers",
    "caregiver",
    "disabled",
    "mobility",
    "rollstuhl",
    "rollstuhlplatz",
    "begleitung",
    "begleitperson",
    "begleitplatz",
    "pmr",
];

/// Whether tickets of this type are chosen only where the type is asked for.
#[must_use]
pub fn is_accessible(ticket_type: &str) -> bool {
    let mut words = ticket_type.split(|letter: char| !letter.is_alphabetic());
    words.any(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_type_marks_it() {
        for accessible in
            ["wheelchair", "Wheelchair", "ADA", "VIP companion", "rang-2_ROLLSTUHL", "carer2"]
        {
            assert!(is_accessible(accessible), "{accessible}");
        }
        for general in ["", "std", "VIP", "Canada", "All Access", "wheelchairless"] {
            assert!(!is_accessible(general), "{general}");
        }
    }
}
