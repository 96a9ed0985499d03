//! Money: whole minor units with their currency. Decimals come in and go out; floats never do.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use rust_decimal::Decimal;
use serde::de::{self, Deserializer};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// The largest price of one ticket, in minor units (ten million of a currency with cents).
pub const PRICE_MINOR_MAX: i64 = 1_000_000_000;

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro, used where nothing else is said.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Finds the currency with this three-letter code, in any case.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase()).map(Self)
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

/// Why a text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number such as 49.50")]
    NotDecimal(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// More digits after the point than the currency has.
    #[error("`{text}` has more than the {digits} decimals of {currency}")]
    TooManyDecimals {
        /// What was written.
        text: String,
        /// The currency's decimals.
        digits: u32,
        /// The currency.
        currency: Currency,
    },
    /// Above [`PRICE_MINOR_MAX`].
    #[error("`{0}` is larger than any ticket costs")]
    TooLarge(String),
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

    /// Reads a price: a plain decimal, not negative, with at most the currency's digits.
    ///
    /// # Errors
    /// The text is no such number, or larger than [`PRICE_MINOR_MAX`].
    pub fn parse_price(text: &str, currency: Currency) -> Result<Self, PriceError> {
        let text = text.trim();
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
        let number = Decimal::from_str_exact(text).ok().filter(|_| plain);
        let number = number.ok_or_else(|| PriceError::NotDecimal(text.to_owned()))?;
        if number.is_sign_negative() && !number.is_zero() {
            return Err(PriceError::Negative(text.to_owned()));
        }
        let digits = currency.digits();
        if number.normalize().scale() > digits {
            return Err(PriceError::TooManyDecimals { text: text.to_owned(), digits, currency });
        }
        let scaled = number.checked_mul(Decimal::from(10_i64.pow(digits)));
        let minor = scaled.and_then(|n| i64::try_from(n).ok()).filter(|m| *m <= PRICE_MINOR_MAX);
        match minor {
            Some(minor) => Ok(Self { minor, currency }),
            None => Err(PriceError::TooLarge(text.to_owned())),
        }
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

/// Adds up amounts of one currency.
pub fn total(amounts: impl Iterator<Item = Money>, currency: Currency) -> Money {
    Money::from_minor(i64::sum(amounts.map(Money::minor)), currency)
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

    fn price(text: &str) -> Result<i64, PriceError> {
        Money::parse_price(text, Currency::EUR).map(Money::minor)
    }

    #[test]
    fn a_price_is_a_plain_decimal_with_the_currencys_digits() {
        assert_eq!(price("49.50"), Ok(4950));
        assert_eq!(price("49.500"), Ok(4950));
        assert_eq!(price(" 0 "), Ok(0));
        assert!(matches!(price("49.505"), Err(PriceError::TooManyDecimals { digits: 2, .. })));
        assert!(matches!(price("-1"), Err(PriceError::Negative(_))));
        assert!(matches!(price("1e3"), Err(PriceError::NotDecimal(_))));
        assert!(matches!(price("NaN"), Err(PriceError::NotDecimal(_))));
        assert!(matches!(price(""), Err(PriceError::NotDecimal(_))));
        assert!(matches!(price("99999999999"), Err(PriceError::TooLarge(_))));
    }

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
    fn yen_have_no_decimals_and_dinars_three() {
        let yen = Currency::of_code("jpy").unwrap();
        let dinar = Currency::of_code("KWD").unwrap();
        assert!(Money::parse_price("100.5", yen).is_err());
        assert_eq!(Money::parse_price("1.234", dinar).unwrap().to_string(), "1.234 KWD");
        assert_eq!(Money::from_minor(4950, Currency::EUR).to_string(), "49.50 EUR");
    }
}
