//! The confirmation number: what a buyer reads aloud at the door.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::OrderId;

/// Digits and letters of which none is easily read as another: no 0 O Q, 1 I L, 2 Z, 5 S, 8 B, U V.
///
/// Their number is a prime, so that the check symbol finds every single wrong symbol and every
/// swap of two.
const ALPHABET: &[u8; 23] = b"234679ACDEFGHJKMNPRTWXY";

/// Symbols that come from the order's id: 49 bits of it.
const DATA_SYMBOLS: usize = 11;

/// Symbols that are written together.
const GROUP: usize = 4;

/// A short name for an order with a check symbol, written `K7MP-3XWT-9HCE`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfirmationNumber([u8; DATA_SYMBOLS + 1]);

/// A text that is not a confirmation number, or has a slip in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationError {
    /// Wrong length, or a symbol that no confirmation number has.
    #[error("a confirmation number has 12 letters and digits, without 0 1 5 8 B I L O Q S U V Z")]
    Malformed,
    /// The check symbol does not fit.
    #[error("one of its symbols is wrong")]
    CheckFailed,
}

impl ConfirmationNumber {
    /// Derives the number of an order; the same order always has the same.
    #[must_use]
    pub fn of_order(order: OrderId) -> Self {
        let base = ALPHABET.len() as u128;
        let mut rest = order.as_uuid().as_u128();
        let mut symbols = [0_u8; DATA_SYMBOLS + 1];
        for symbol in &mut symbols[..DATA_SYMBOLS] {
            *symbol = u8::try_from(rest % base).unwrap_or(0);
            rest /= base;
        }
        symbols[DATA_SYMBOLS] = check_symbol(&symbols[..DATA_SYMBOLS]);
        Self(symbols.map(|symbol| ALPHABET[usize::from(symbol)]))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The sum of the symbols, each times its place, modulo the size of the alphabet.
fn check_symbol(symbols: &[u8]) -> u8 {
    let sum: usize = symbols.iter().zip(2..).map(|(s, place)| usize::from(*s) * place).sum();
    u8::try_from(sum % ALPHABET.len()).unwrap_or(0)
}

impl FromStr for ConfirmationNumber {
    type Err = ConfirmationError;

    /// Reads a number however it is grouped and in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut symbols = [0_u8; DATA_SYMBOLS + 1];
        let mut letters = text.bytes().filter(|b| *b != b'-' && !b.is_ascii_whitespace());
        for symbol in &mut symbols {
            let letter = letters.next().ok_or(ConfirmationError::Malformed)?.to_ascii_uppercase();
            let place = ALPHABET.iter().position(|a| *a == letter);
            let place = place.and_then(|p| u8::try_from(p).ok());
            *symbol = place.ok_or(ConfirmationError::Malformed)?;
        }
        if letters.next().is_some() {
            return Err(ConfirmationError::Malformed);
        }
        if symbols[DATA_SYMBOLS] != check_symbol(&symbols[..DATA_SYMBOLS]) {
            return Err(ConfirmationError::CheckFailed);
        }
        Ok(Self(symbols.map(|symbol| ALPHABET[usize::from(symbol)])))
    }
}

impl fmt::Display for ConfirmationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_str();
        let groups: Vec<&str> =
            (0..text.len()).step_by(GROUP).filter_map(|at| text.get(at..at + GROUP)).collect();
        f.pad(&groups.join("-"))
    }
}

impl fmt::Debug for ConfirmationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ConfirmationNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn number(id: u128) -> ConfirmationNumber {
        ConfirmationNumber::of_order(OrderId::from_uuid(Uuid::from_u128(id)))
    }

    proptest! {
        #[test]
        fn it_reads_back_in_any_case_and_grouping(id: u128) {
            let number = number(id);
            let text = number.to_string();
            prop_assert_eq!(text.len(), 14);
            prop_assert_eq!(text.parse(), Ok(number));
            let spoken = text.to_lowercase().replace('-', " ");
            prop_assert_eq!(spoken.parse(), Ok(number));
        }

        #[test]
        fn a_single_slip_is_noticed(id: u128, place in 0_usize..12, other in 0_usize..23) {
            let number = number(id);
            let mut text = number.to_string().replace('-', "").into_bytes();
            prop_assume!(text[place] != ALPHABET[other]);
            text[place] = ALPHABET[other];
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(
                text.parse::<ConfirmationNumber>(),
                Err(ConfirmationError::CheckFailed)
            );
        }

        #[test]
        fn two_swapped_neighbours_are_noticed(id: u128, place in 0_usize..10) {
            let mut text = number(id).to_string().replace('-', "").into_bytes();
            prop_assume!(text[place] != text[place + 1]);
            text.swap(place, place + 1);
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(
                text.parse::<ConfirmationNumber>(),
                Err(ConfirmationError::CheckFailed)
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in ["", "K7MP", "K7MP-3XWT-9HCE-2", "O7MP-3XWT-9HCE", "äääääääääääää"]
        {
            assert_eq!(wrong.parse::<ConfirmationNumber>(), Err(ConfirmationError::Malformed));
        }
    }
}
