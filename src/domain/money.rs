//! Money: whole minor units with their currency. Decimals come in and go out; floats never do.

use std::fmt;
use std::ops::Add;

use iso_currency::IntoEnumIterator as _;
use rust_decimal::Decimal;
use serde::de::{self, Deserializer};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::name;

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro, used where nothing else is said.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Finds the currency with this three-letter code, in any case; among them codes that stand for
    /// no money and withdrawn ones, which an old store may have.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase()).map(Self)
    }

    /// Finds the currency with this three-letter code, in any case, if tickets can be paid in it.
    ///
    /// # Errors
    /// The code is unknown, stands for a metal, a fund, a unit of account or a test, or is that of a
    /// currency that was withdrawn.
    pub fn for_sale(code: &str) -> Result<Self, CurrencyError> {
        let unknown = || CurrencyError::Unknown(name::shown(code).into_owned());
        let found = Self::of_code(code).ok_or_else(unknown)?;
        let (code, meaning) = (found.code(), found.0.name().to_owned());
        match found.replaced_by() {
            _ if found.is_for_sale() => Ok(found),
            Some(by) => Err(CurrencyError::Withdrawn { code, meaning, by: by.code() }),
            None => Err(CurrencyError::NotForSale { code, meaning }),
        }
    }

    /// Whether tickets can be paid in it.
    #[must_use]
    pub fn is_for_sale(self) -> bool {
        !self.0.is_special() && !self.0.is_fund() && self.replaced_by().is_none()
    }

    /// The currency that replaced this one, which was withdrawn.
    fn replaced_by(self) -> Option<Self> {
        // ISO 4217 lists VES and VED side by side as codes of the same currency.
        let by = self.0.is_superseded().filter(|_| self.0 != iso_currency::Currency::VES);
        by.map(Self)
    }

    /// Every currency that tickets can be paid in.
    pub fn all_for_sale() -> impl Iterator<Item = Self> {
        iso_currency::Currency::iter().map(Self).filter(|currency| currency.is_for_sale())
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many digits follow the decimal point: 2 for euros, 0 for yen, 3 for dinars.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Why tickets cannot be sold in a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// No ISO 4217 code.
    #[error("`{0}` is no ISO 4217 code; write the code of a currency, such as EUR or JPY")]
    Unknown(String),
    /// A code that is nothing to pay with.
    #[error(
        "{code} is not a currency to pay with ({meaning}); write the code of a currency, such as \
         EUR or JPY"
    )]
    NotForSale {
        /// The code.
        code: &'static str,
        /// What it stands for.
        meaning: String,
    },
    /// A code of ISO 4217 that is legal tender nowhere any more.
    #[error("{code} ({meaning}) was withdrawn; write {by}, which replaced it")]
    Withdrawn {
        /// The code.
        code: &'static str,
        /// The name of the currency.
        meaning: String,
        /// The code of the one that replaced it.
        by: &'static str,
    },
}

/// An amount of money of one currency.
///
/// Serialized as `{"amount": "49.50", "currency": "EUR"}`, so that no reader turns it into a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount given in minor units, cents for example.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Whole minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount as a decimal with the currency's digits.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.digits())
    }
}

impl Add for Money {
    type Output = Self;

    /// Adds two amounts of the same event, hence of the same currency; saturates.
    fn add(self, other: Self) -> Self {
        debug_assert_eq!(self.currency, other.currency, "an event has one currency");
        Self { minor: self.minor.saturating_add(other.minor), currency: self.currency }
    }
}

/// Adds up amounts of one currency; saturates.
pub fn total(amounts: impl Iterator<Item = Money>, currency: Currency) -> Money {
    amounts.fold(Money::zero(currency), Add::add)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.decimal(), self.currency))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &self.decimal().to_string())?;
        object.serialize_field("currency", self.currency.code())?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            amount: Decimal,
            currency: String,
        }

        let Written { amount, currency: code } = Written::deserialize(deserializer)?;
        let currency = Currency::of_code(&code)
            .ok_or_else(|| de::Error::custom(format_args!("`{code}` is no currency")))?;
        let minor = amount.checked_mul(Decimal::from(10_i64.pow(currency.digits())));
        let minor = minor.filter(Decimal::is_integer).and_then(|minor| i64::try_from(minor).ok());
        let minor = minor
            .ok_or_else(|| de::Error::custom(format_args!("`{amount}` is no amount of {code}")))?;
        Ok(Self { minor, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_the_same() {
        let most = Money::from_minor(i64::MAX, Currency::EUR);
        for money in [most, Money::from_minor(-5, Currency::EUR), Money::zero(Currency::EUR)] {
            let json = serde_json::to_string(&money).unwrap();
            assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }
        let read = |json| serde_json::from_str::<Money>(json).unwrap_err().to_string();
        let cents = read(r#"{"amount": "49.505", "currency": "EUR"}"#);
        assert!(cents.starts_with("`49.505` is no amount of EUR"), "{cents}");
        let shells = read(r#"{"amount": "1", "currency": "shells"}"#);
        assert!(shells.starts_with("`shells` is no currency"), "{shells}");
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let shown =
            |minor, code| Money::from_minor(minor, Currency::of_code(code).unwrap()).to_string();
        assert_eq!(shown(4950, "EUR"), "49.50 EUR");
        assert_eq!(shown(1234, "kwd"), "1.234 KWD");
        assert_eq!(shown(100, "JPY"), "100 JPY");
    }

    #[test]
    fn totals_saturate() {
        let most = Money::from_minor(i64::MAX, Currency::EUR);
        assert_eq!(total([most, most].into_iter(), Currency::EUR), most);
    }

    #[test]
    fn withdrawn_currency_is_refused_with_its_successor() {
        let refused = |code| Currency::for_sale(code).unwrap_err().to_string();
        insta::assert_snapshot!(refused("hrk"), @"HRK (Croatian kuna) was withdrawn; write EUR, which replaced it");
        insta::assert_snapshot!(refused("ZWL"), @"ZWL (Zimbabwean dollar) was withdrawn; write ZWG, which replaced it");
        for code in ["HRK", "ZWL", "BGN", "SLL", "CUC"] {
            assert!(Currency::for_sale(code).is_err(), "{code}");
            assert!(Currency::of_code(code).is_some(), "{code} can be read from an old store");
        }
        for code in ["EUR", "ZWG", "SLE", "CUP", "VES", "VED"] {
            assert!(Currency::for_sale(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn tickets_are_sold_in_money_only() {
        for code in ["eur", "JPY", "IDR", "KWD", "XAF", "XOF", "XPF", "XCD"] {
            assert!(Currency::for_sale(code).is_ok(), "{code}");
        }
        let refused = |code| Currency::for_sale(code).unwrap_err().to_string();
        insta::assert_snapshot!(refused("xts"), @"XTS is not a currency to pay with (Code reserved for testing); write the code of a currency, such as EUR or JPY");
        insta::assert_snapshot!(refused("XAU"), @"XAU is not a currency to pay with (Gold (one troy ounce)); write the code of a currency, such as EUR or JPY");
        insta::assert_snapshot!(refused("EURO"), @"`EURO` is no ISO 4217 code; write the code of a currency, such as EUR or JPY");
        for code in ["XXX", "XDR", "XPT", "CLF", "USN", "XSU", ""] {
            assert!(Currency::for_sale(code).is_err(), "{code}");
            let stored = code.is_empty() || Currency::of_code(code).is_some();
            assert!(stored, "{code} can be read from an old store");
        }
    }
}
