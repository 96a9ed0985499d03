//! Reading a price as people and spreadsheets write it.
//!
//! A number that has one meaning is read; everything else is refused with the meanings it could have
//! and the way to write each. A decimal comma is read like a decimal point, because a spreadsheet
//! writes one or the other by its locale; that a file has only one of them is checked by the caller,
//! who sees all of its prices.

use std::fmt;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

use super::{Currency, Money};

/// The most that a ticket may cost, in whole units of its currency.
///
/// It is above the dearest ticket in the currencies with the smallest units (rupiah, dong, rial), and
/// what 5,000,000 such tickets cost together still fits into 64 bits of minor units with three digits.
pub const PRICE_MAX: i64 = 1_000_000_000;

/// How many digits a group has that a thousands separator ends.
const GROUP: usize = 3;

/// What parts whole units from decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalMark {
    /// `49.50`.
    Point,
    /// `49,50`.
    Comma,
}

impl DecimalMark {
    const fn of(character: char) -> Option<Self> {
        match character {
            '.' => Some(Self::Point),
            ',' => Some(Self::Comma),
            _ => None,
        }
    }

    const fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

impl fmt::Display for DecimalMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "decimal point",
            Self::Comma => "decimal comma",
        })
    }
}

/// A price, and the mark that it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What it is.
    pub money: Money,
    /// Its decimal mark; none if it has no decimals.
    pub mark: Option<DecimalMark>,
}

/// Why a text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number such as 49.50")]
    NotDecimal(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// A number with the sign, the name or the code of a currency.
    #[error("`{text}` names a currency; write the number alone, which is read in {currency}")]
    NamesCurrency {
        /// What was written.
        text: String,
        /// The currency that prices are read in.
        currency: Currency,
    },
    /// A number in groups of digits.
    #[error("`{text}` has {separator} as thousands separator; write {plain}")]
    Thousands {
        /// What was written.
        text: String,
        /// What parts the groups.
        separator: &'static str,
        /// The same number without it.
        plain: String,
    },
    /// A number that a decimal mark or a thousands separator gives different values.
    #[error(
        "`{text}` is ambiguous: {decimal} {currency} with a {mark}{too_many}, or {whole} {currency} \
         with a thousands separator; write {ways}",
        too_many = if plain.is_none() { ", more decimals than it has" } else { "" },
        ways = plain.as_ref().map_or_else(|| whole.clone(), |plain| format!("{plain} or {whole}")),
    )]
    Ambiguous {
        /// What was written.
        text: String,
        /// The mark, if it is one.
        mark: DecimalMark,
        /// Its value if the mark parts decimals.
        decimal: String,
        /// The way to write that; none if the currency has fewer decimals.
        plain: Option<String>,
        /// Its value if the mark parts thousands, which is also the way to write it.
        whole: String,
        /// The currency.
        currency: Currency,
    },
    /// More decimals than the currency has, zeros or not.
    #[error("`{text}` has more than the {digits} decimals of {currency}")]
    TooManyDecimals {
        /// What was written.
        text: String,
        /// The currency's decimals.
        digits: u32,
        /// The currency.
        currency: Currency,
    },
    /// Above [`PRICE_MAX`].
    #[error("`{text}` is more than {PRICE_MAX} {currency}, the most that a ticket may cost")]
    TooLarge {
        /// What was written.
        text: String,
        /// The currency.
        currency: Currency,
    },
}

/// Reads a price: a decimal number, not negative, with at most the digits of `currency`.
///
/// # Errors
/// The text is no such number, has more than one meaning, or is above [`PRICE_MAX`].
pub fn read(text: &str, currency: Currency) -> Result<Price, PriceError> {
    let text = text.trim();
    let (is_negative, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = match Number::of(unsigned) {
        Some(number) => number,
        None if names_currency(unsigned) => {
            return Err(PriceError::NamesCurrency { text: text.to_owned(), currency });
        }
        None => return Err(PriceError::NotDecimal(text.to_owned())),
    };
    if is_negative && !number.is_zero() {
        return Err(PriceError::Negative(text.to_owned()));
    }
    let digits = currency.digits();
    if let Some(separator) = number.separator {
        let (separator, plain) = (separator_name(separator), number.plain());
        return Err(PriceError::Thousands { text: text.to_owned(), separator, plain });
    }
    if let Some(mark) = number.mark
        && number.may_be_grouped()
        // The point of tix's own notation, with just the decimals that the currency has.
        && !(mark == DecimalMark::Point && digits == 3)
    {
        return Err(ambiguous(text, &number, mark, currency));
    }
    if number.decimals.len() > digits as usize {
        return Err(PriceError::TooManyDecimals { text: text.to_owned(), digits, currency });
    }
    let too_large = || PriceError::TooLarge { text: text.to_owned(), currency };
    let minor = number.minor(digits).ok_or_else(too_large)?;
    Ok(Price { money: Money::from_minor(minor, currency), mark: number.mark })
}

fn ambiguous(text: &str, number: &Number, mark: DecimalMark, currency: Currency) -> PriceError {
    let decimals = number.decimals.trim_end_matches('0');
    let joined = |decimals: &str| match decimals {
        "" => number.whole.clone(),
        some => format!("{}{}{some}", number.whole, mark.character()),
    };
    let digits = currency.digits() as usize;
    PriceError::Ambiguous {
        text: text.to_owned(),
        mark,
        decimal: joined(decimals),
        plain: (decimals.len() <= digits).then(|| match digits {
            // With as many decimals as a group has digits only a point tells them apart.
            GROUP => {
                format!("{}.{}, with a decimal point in all prices,", number.whole, number.decimals)
            }
            _ => joined(&number.decimals[..digits.min(GROUP)]),
        }),
        whole: format!("{}{}", number.whole, number.decimals),
        currency,
    }
}

/// A number by its digits.
struct Number {
    whole: String,
    decimals: String,
    mark: Option<DecimalMark>,
    /// What parts groups of digits, if something does.
    separator: Option<char>,
}

impl Number {
    /// Takes a number apart; none if it is no number in any notation.
    fn of(text: &str) -> Option<Self> {
        let is_separator = |c: char| separator_name(c) != UNKNOWN;
        let groups: Vec<&str> = text.split(is_separator).collect();
        let separators: Vec<char> = text.chars().filter(|c| is_separator(*c)).collect();
        let is_number =
            |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
        if !groups.iter().all(is_number) {
            return None;
        }
        let (mark, grouped, decimals) = match (&separators[..], &groups[..]) {
            ([.., last], [grouped @ .., decimals])
                if separators.iter().filter(|c| *c == last).count() == 1
                    && DecimalMark::of(*last).is_some() =>
            {
                (DecimalMark::of(*last), grouped, *decimals)
            }
            (_, grouped) => (None, grouped, ""),
        };
        let between = &separators[..grouped.len().saturating_sub(1)];
        let separator = between.first().copied();
        let is_grouped = between.iter().all(|c| Some(*c) == separator) && are_groups(grouped);
        (separator.is_none() || is_grouped).then(|| Self {
            whole: grouped.concat(),
            decimals: decimals.to_owned(),
            mark,
            separator,
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.decimals.bytes()).all(|digit| digit == b'0')
    }

    /// Whether the decimal mark could be a thousands separator.
    fn may_be_grouped(&self) -> bool {
        self.decimals.len() == GROUP && are_groups(&[&self.whole, &self.decimals])
    }

    /// The number as it is to be written.
    fn plain(&self) -> String {
        match self.mark {
            Some(mark) => format!("{}{}{}", self.whole, mark.character(), self.decimals),
            None => self.whole.clone(),
        }
    }

    /// How many minor units it is, with at most `digits` decimals; none above [`PRICE_MAX`].
    fn minor(&self, digits: u32) -> Option<i64> {
        let width = digits as usize;
        let minor: i64 = format!("{}{:0<width$}", self.whole, self.decimals).parse().ok()?;
        let most = PRICE_MAX.checked_mul(10_i64.checked_pow(digits)?)?;
        Some(minor).filter(|minor| *minor <= most)
    }
}

/// Whether these are the groups of one number: three digits each, or two as in `1,00,000`, of which
/// the first may have fewer and does not begin with a zero, and the last has three.
fn are_groups(groups: &[&str]) -> bool {
    let [first, middle @ .., last] = groups else { return false };
    let is_middle = |group: &&str| matches!(group.len(), 2 | GROUP);
    (1..=GROUP).contains(&first.len())
        && !first.starts_with('0')
        && middle.iter().all(is_middle)
        && last.len() == GROUP
}

/// What [`separator_name`] says of a character that parts no numbers.
const UNKNOWN: &str = "";

/// What a character that parts the digits of numbers is called.
const fn separator_name(character: char) -> &'static str {
    match character {
        '.' => "a point",
        ',' => "a comma",
        '\'' | '\u{2019}' => "an apostrophe",
        ' ' => "a space",
        '\u{a0}' => "a no-break space (U+00A0)",
        '\u{202f}' => "a narrow no-break space (U+202F)",
        '\u{2009}' => "a thin space (U+2009)",
        '_' => "an underscore",
        _ => UNKNOWN,
    }
}

/// Whether a text is a number with the sign, the name or the code of a currency before or after it.
fn names_currency(text: &str) -> bool {
    let is_sign = |c: char| {
        CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::CurrencySymbol
    };
    let is_name = |c: char| c.is_alphabetic() || is_sign(c);
    let number = text.trim_matches(|c: char| is_name(c) || c.is_whitespace());
    let letters = text.chars().filter(|c| is_name(*c)).count();
    let is_named = text.contains(is_sign) || (2..=5).contains(&letters);
    is_named && Number::of(number).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minting::TICKETS_MAX;

    fn currency(code: &str) -> Currency {
        Currency::of_code(code).unwrap()
    }

    fn minor(text: &str, code: &str) -> Option<i64> {
        read(text, currency(code)).ok().map(|price| price.money.minor())
    }

    fn error(text: &str, code: &str) -> String {
        read(text, currency(code)).unwrap_err().to_string()
    }

    #[test]
    fn numbers_with_one_meaning_are_read() {
        for (text, code, expected) in [
            ("49.50", "EUR", 4950),
            ("49,5", "EUR", 4950),
            ("+49", "EUR", 4900),
            (" 0 ", "EUR", 0),
            ("-0", "EUR", 0),
            ("0.00", "EUR", 0),
            ("007", "EUR", 700),
            ("1500", "JPY", 1500),
            ("1.234", "KWD", 1234),
            ("1234.500", "KWD", 1_234_500),
            ("11000000", "IDR", 1_100_000_000),
            ("1000000000.00", "EUR", 100_000_000_000),
        ] {
            assert_eq!(minor(text, code), Some(expected), "{text} {code}");
        }
        let marks = ["49", "49.5", "49,5"].map(|text| read(text, Currency::EUR).unwrap().mark);
        assert_eq!(marks, [None, Some(DecimalMark::Point), Some(DecimalMark::Comma)]);
    }

    #[test]
    fn ambiguous_numbers_are_refused_with_both_readings() {
        insta::assert_snapshot!(error("1.500", "EUR"), @"`1.500` is ambiguous: 1.5 EUR with a decimal point, or 1500 EUR with a thousands separator; write 1.50 or 1500");
        insta::assert_snapshot!(error("1,500", "EUR"), @"`1,500` is ambiguous: 1,5 EUR with a decimal comma, or 1500 EUR with a thousands separator; write 1,50 or 1500");
        insta::assert_snapshot!(error("12.000", "JPY"), @"`12.000` is ambiguous: 12 JPY with a decimal point, or 12000 JPY with a thousands separator; write 12 or 12000");
        insta::assert_snapshot!(error("49.505", "EUR"), @"`49.505` is ambiguous: 49.505 EUR with a decimal point, more decimals than it has, or 49505 EUR with a thousands separator; write 49505");
        insta::assert_snapshot!(error("1,500", "KWD"), @"`1,500` is ambiguous: 1,5 KWD with a decimal comma, or 1500 KWD with a thousands separator; write 1.500, with a decimal point in all prices, or 1500");
    }

    #[test]
    fn thousands_separators_are_named() {
        for (text, separator, plain) in [
            ("1'500", "an apostrophe", "1500"),
            ("1\u{2019}500", "an apostrophe", "1500"),
            ("1 500", "a space", "1500"),
            ("1\u{a0}500", "a no-break space (U+00A0)", "1500"),
            ("1\u{202f}500,50", "a narrow no-break space (U+202F)", "1500,50"),
            ("1,500.00", "a comma", "1500.00"),
            ("1.500,00", "a point", "1500,00"),
            ("1.500.000", "a point", "1500000"),
            ("1,00,000", "a comma", "100000"),
            ("1_500", "an underscore", "1500"),
        ] {
            let expected =
                format!("`{text}` has {separator} as thousands separator; write {plain}");
            assert_eq!(error(text, "EUR"), expected);
        }
    }

    #[test]
    fn decimals_beyond_the_currencys_are_refused_even_zeros() {
        for (text, code) in [
            ("1249.505", "EUR"),
            ("0.500", "EUR"),
            ("49.5000", "EUR"),
            ("100.5", "JPY"),
            ("12.00", "JPY"),
            ("1.2345", "KWD"),
        ] {
            let refused = read(text, currency(code)).unwrap_err();
            assert!(matches!(refused, PriceError::TooManyDecimals { .. }), "{text} {refused}");
        }
    }

    #[test]
    fn other_texts_are_no_prices() {
        for text in ["", "NaN", "1e3", "1E+05", "49.", ".50", "1,5,0", "12 50", "(5)", "--5", "x"] {
            assert_eq!(read(text, Currency::EUR), Err(PriceError::NotDecimal(text.into())));
        }
        for text in ["-1", "\u{2212}5.00", "-0.01"] {
            assert_eq!(read(text, Currency::EUR), Err(PriceError::Negative(text.into())));
        }
        for text in ["49.50 \u{20ac}", "$49", "EUR 49.50", "49 Euro", "20 K\u{10d}"] {
            let refused = read(text, Currency::EUR).unwrap_err();
            assert!(matches!(refused, PriceError::NamesCurrency { .. }), "{text} {refused}");
        }
    }

    #[test]
    fn price_bound_is_on_the_value() {
        for code in ["JPY", "EUR", "IDR", "KWD"] {
            assert!(minor("1000000000", code).is_some(), "{code}");
            assert!(minor("1000000001", code).is_none(), "{code}");
        }
        insta::assert_snapshot!(error("99999999999999999999999999999999", "EUR"), @"`99999999999999999999999999999999` is more than 1000000000 EUR, the most that a ticket may cost");
        assert!(error("1000000000.01", "EUR").contains("the most that a ticket may cost"));
    }

    #[test]
    fn all_tickets_at_the_highest_price_fit_into_64_bits() {
        for currency in Currency::all_for_sale() {
            let price = minor(&PRICE_MAX.to_string(), currency.code()).unwrap();
            let tickets = i64::try_from(TICKETS_MAX).unwrap();
            assert!(price.checked_mul(tickets).is_some(), "{currency}");
        }
    }
}
