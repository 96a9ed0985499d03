//! How domain values are written into columns and read from them.

use std::time::Duration;

use rust_decimal::Decimal;
use scylla::cluster::metadata::ColumnType;
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, FrameSlice, TypeCheckError};
use scylla::serialize::SerializationError;
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, WrittenCellProof};
use scylla::value::{CqlDecimal, CqlTimestamp};
use uuid::Uuid;

use crate::domain::{
    BuyerId, Currency, EntryId, EventId, HoldId, HoldStatus, Money, OrderId, OrderStatus,
    PaymentReference, SessionId, TicketId, TicketStatus, Timestamp, WaitlistStatus,
};

/// A value whose column has the form of another: `$out` makes that form, `$in` reads it.
macro_rules! column {
    ($name:ty as $form:ty, $out:expr, $in:expr) => {
        impl SerializeValue for $name {
            fn serialize<'b>(
                &self,
                typ: &ColumnType<'_>,
                writer: CellWriter<'b>,
            ) -> Result<WrittenCellProof<'b>, SerializationError> {
                let out: fn(&$name) -> $form = $out;
                SerializeValue::serialize(&out(self), typ, writer)
            }
        }

        impl<'frame, 'metadata> DeserializeValue<'frame, 'metadata> for $name {
            fn type_check(typ: &ColumnType<'_>) -> Result<(), TypeCheckError> {
                <$form>::type_check(typ)
            }

            fn deserialize(
                typ: &'metadata ColumnType<'metadata>,
                value: Option<FrameSlice<'frame>>,
            ) -> Result<Self, DeserializationError> {
                let read: fn($form) -> Result<$name, DeserializationError> = $in;
                read(<$form>::deserialize(typ, value)?)
            }
        }
    };
}

pub(super) use column;

macro_rules! uuid_column {
    ($($name:ident),*) => {
        $(column!($name as Uuid, |id| *id.as_uuid(), |uuid| Ok($name::from_uuid(uuid)));)*
    };
}

macro_rules! text_column {
    ($($name:ident),*) => {$(
        column!($name as String, |text| text.as_str().to_owned(), |text| {
            $name::stored(&text).map_err(DeserializationError::new)
        });
    )*};
}

/// A word that stands for none of the values that its column knows.
#[derive(Debug, thiserror::Error)]
#[error("`{word}` is no {what}")]
pub(super) struct UnknownWord {
    what: &'static str,
    word: String,
}

macro_rules! word_column {
    ($($name:ident: $what:literal),*) => {$(
        column!($name as String, |value| value.word().to_owned(), |word| {
            $name::of_word(&word)
                .ok_or_else(|| DeserializationError::new(UnknownWord { what: $what, word }))
        });
    )*};
}

uuid_column!(BuyerId, EntryId, EventId, HoldId, OrderId, TicketId);
text_column!(PaymentReference, SessionId);
word_column!(
    HoldStatus: "hold's end",
    OrderStatus: "order status",
    TicketStatus: "ticket status",
    WaitlistStatus: "waitlist status"
);
column!(Timestamp as CqlTimestamp, |at| CqlTimestamp(at.as_millis()), |at| {
    Ok(Timestamp::from_millis(at.0))
});
column!(Currency as String, |currency| currency.code().to_owned(), |word| {
    Currency::of_code(&word)
        .ok_or_else(|| DeserializationError::new(UnknownWord { what: "currency", word }))
});

/// An amount without its currency, which is the event's: a decimal in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(Decimal);

impl Amount {
    /// The amount as money of `currency`; digits that the currency does not have are cut off.
    pub(crate) fn in_currency(self, currency: Currency) -> Money {
        let minor = self.0.checked_mul(Decimal::from(10_i64.pow(currency.digits())));
        let minor = minor.and_then(|minor| i64::try_from(minor.trunc()).ok());
        Money::from_minor(minor.unwrap_or(i64::MAX), currency)
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self(money.decimal())
    }
}

/// A decimal that is larger than any amount.
#[derive(Debug, thiserror::Error)]
#[error("a decimal of {0} bytes with scale {1} is no amount")]
struct TooLarge(usize, i32);

column!(
    Amount as CqlDecimal,
    |amount| {
        let scale = i32::try_from(amount.0.scale()).unwrap_or(0);
        let digits = amount.0.mantissa().to_be_bytes();
        CqlDecimal::from_signed_be_bytes_slice_and_exponent(&digits, scale)
    },
    |decimal| {
        let (bytes, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
        let large = || DeserializationError::new(TooLarge(bytes.len(), scale));
        let digits = signed(bytes).ok_or_else(large)?;
        let scale = u32::try_from(scale).map_err(|_| large())?;
        Decimal::try_from_i128_with_scale(digits, scale).map(Amount).map_err(|_| large())
    }
);

/// Reads a big-endian two's complement number of at most sixteen bytes.
fn signed(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let filler = if first & 0x80 == 0 { 0x00 } else { 0xff };
    let mut whole = [filler; 16];
    whole.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}

/// A count in the form in which it is stored.
pub(super) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number that its column cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no count")]
struct NoCount(i64);

/// A count, or a span in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

column!(Count as i64, |count| stored_count(count.0), |stored| {
    u64::try_from(stored).map(Count).map_err(|_| DeserializationError::new(NoCount(stored)))
});

impl Count {
    /// So many milliseconds.
    pub(super) const fn millis(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

/// A small count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small(pub(super) u32);

column!(Small as i32, |count| i32::try_from(count.0).unwrap_or(i32::MAX), |stored| {
    let no_count = |_| DeserializationError::new(NoCount(stored.into()));
    u32::try_from(stored).map(Small).map_err(no_count)
});

/// A price or a sum of prices: an amount that is not negative and not larger than any currency
/// allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Price(Amount);

/// The most decimals that a currency has.
const DIGITS_MAX: u32 = 4;

/// An amount that is no price.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no price")]
struct NoPrice(Decimal);

column!(Price as Amount, |price| price.0, |amount| {
    let minor = amount.0.checked_mul(Decimal::from(10_i64.pow(DIGITS_MAX)));
    let fits = minor.is_some_and(|minor| i64::try_from(minor.trunc()).is_ok());
    if fits && !amount.0.is_sign_negative() || amount.0.is_zero() {
        Ok(Price(amount))
    } else {
        Err(DeserializationError::new(NoPrice(amount.0)))
    }
});

impl Price {
    /// The price as money of `currency`.
    pub(super) fn in_currency(self, currency: Currency) -> Money {
        self.0.in_currency(currency)
    }
}

impl From<Money> for Price {
    fn from(money: Money) -> Self {
        Self(money.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimals_of_any_length() {
        assert_eq!(signed(&[0x00]), Some(0));
        assert_eq!(signed(&[0x13, 0x56]), Some(4950));
        assert_eq!(signed(&[0xff]), Some(-1));
        assert_eq!(signed(&i128::MIN.to_be_bytes()), Some(i128::MIN));
        assert_eq!(signed(&[]), None);
        assert_eq!(signed(&[0; 17]), None);
        let amount = Amount(Decimal::new(4950, 2));
        assert_eq!(amount.in_currency(Currency::EUR).minor(), 4950);
        let amount = Amount(Decimal::new(495, 1));
        assert_eq!(amount.in_currency(Currency::EUR).minor(), 4950, "written by another tool");
    }
}
