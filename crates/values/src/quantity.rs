//! Resource quantities (`500m`, `128Mi`, `1e3`), exact and with upstream's canonical form
//! (apimachinery, `api/resource/quantity.go`).

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

/// Smallest unit kept, as upstream: one billionth.
const NANOS: i128 = 1_000_000_000;

/// How a quantity was written, and so how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `k M G …` and `m u n`.
    DecimalSi,
    /// `Ki Mi Gi …`.
    BinarySi,
    /// `1e3`.
    DecimalExponent,
}

/// A quantity that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not of the form number and suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// A suffix that does not exist.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The number part is malformed.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
}

/// An exact amount. Compares by value: `1000m == 1`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// Zero, printed as `0`.
    pub const ZERO: Self = Self { nanos: 0, format: Format::DecimalSi };

    /// A whole number of units.
    pub fn from_units(units: i64, format: Format) -> Self {
        Self { nanos: i128::from(units) * NANOS, format }
    }

    /// A whole number of thousandths, decimal.
    pub fn from_milli(milli: i64) -> Self {
        Self { nanos: i128::from(milli) * (NANOS / 1000), format: Format::DecimalSi }
    }

    /// Reads a quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        text.parse()
    }

    /// Whole units, rounded away from zero (upstream's `Value`).
    pub fn value(&self) -> i64 {
        clamp(div_away(self.nanos, NANOS))
    }

    /// Thousandths, rounded away from zero (upstream's `MilliValue`).
    pub fn milli(&self) -> i64 {
        clamp(div_away(self.nanos, NANOS / 1000))
    }

    /// The amount as a floating point number, for ratios.
    pub fn to_f64(&self) -> f64 {
        self.nanos as f64 / NANOS as f64
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// How it was written.
    pub fn format(&self) -> Format {
        self.format
    }
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn div_away(value: i128, by: i128) -> i128 {
    let (whole, rest) = (value / by, value % by);
    whole + rest.signum()
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let number_end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(number_end);
        if number.is_empty() || number == "." {
            return Err(QuantityError::Format);
        }
        if !suffix.chars().all(|c| "eEinumkKMGTP+-".contains(c) || c.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        let (base, exponent, format) = parse_suffix(suffix)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') {
            return Err(QuantityError::Numeric);
        }
        let nanos = scale(whole, fraction, base, exponent).ok_or(QuantityError::Numeric)?;
        Ok(Self { nanos: if text.starts_with('-') { -nanos } else { nanos }, format })
    }
}

fn parse_suffix(suffix: &str) -> Result<(u32, i32, Format), QuantityError> {
    const DECIMAL: [(&str, i32); 10] =
        [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some((_, exponent)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Ok((10, *exponent, Format::DecimalSi));
    }
    if let Some(index) = BINARY.iter().position(|s| *s == suffix) {
        return Ok((2, 10 * (index as i32 + 1), Format::BinarySi));
    }
    let digits = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
    let exponent: i32 = digits.parse().map_err(|_| QuantityError::Suffix)?;
    Ok((10, exponent, Format::DecimalExponent))
}

/// `whole.fraction × base^exponent` in billionths, rounded up; values beyond the range are capped as upstream caps them.
fn scale(whole: &str, fraction: &str, base: u32, exponent: i32) -> Option<i128> {
    const CAP: i128 = (i64::MAX as i128) * NANOS;
    let digits: String = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    if digits.is_empty() {
        return Some(0);
    }
    if digits.len() > 36 {
        return None;
    }
    let mut value: i128 = digits.parse().ok()?;
    // Decimal digits to move: to billionths, back by the fraction's length, and the decimal exponent.
    let mut shift = 9 - i32::try_from(fraction.len()).ok()?;
    if base == 2 {
        match value.checked_mul(1i128.checked_shl(exponent as u32)?) {
            Some(v) => value = v,
            None => return Some(CAP),
        }
    } else {
        shift += exponent;
    }
    while shift > 0 {
        value *= 10;
        shift -= 1;
        if value > CAP * NANOS {
            return Some(CAP);
        }
    }
    let mut lost = false;
    while shift < 0 && value > 0 {
        lost |= value % 10 != 0;
        value /= 10;
        shift += 1;
    }
    Some((value + i128::from(lost)).min(CAP))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        // Below 1024 a binary quantity has no shorter form than the decimal one.
        let binary = self.format == Format::BinarySi && self.nanos.abs() >= 1024 * NANOS;
        if binary {
            let mut value = div_away(self.nanos, NANOS);
            let mut step = 0;
            while value % 1024 == 0 && step < 6 {
                value /= 1024;
                step += 1;
            }
            return write!(f, "{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][step]);
        }
        let (mut value, mut exponent) = (self.nanos, -9);
        while value % 1000 == 0 && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if self.format == Format::DecimalExponent {
            return if exponent == 0 { write!(f, "{value}") } else { write!(f, "{value}e{exponent}") };
        }
        write!(f, "{value}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][((exponent + 9) / 3) as usize])
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        // As upstream: zero takes the format of what is added to it.
        if self.nanos == 0 {
            self.format = other.format;
        }
        self.nanos += other.nanos;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        if self.nanos == 0 {
            self.format = other.format;
        }
        self.nanos -= other.nanos;
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::{Quantity, QuantityError};

    #[test]
    fn canonical_forms_are_upstreams() {
        for (text, canonical) in [
            ("0", "0"),
            ("100m", "100m"),
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("512", "512"),
            ("0.5Ki", "512"),
            ("1000k", "1M"),
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("24682416Ki", "24682416Ki"),
            ("-5m", "-5m"),
            ("1.0000000001", "1000000001n"),
            ("+3", "3"),
        ] {
            assert_eq!(Quantity::parse(text).map(|q| q.to_string()), Ok(canonical.to_owned()), "{text}");
        }
    }

    #[test]
    fn malformed_quantities_are_refused() {
        for (text, error) in [
            ("", QuantityError::Format),
            ("abc", QuantityError::Format),
            ("1.2.3", QuantityError::Numeric),
            ("1mm", QuantityError::Suffix),
            ("1ki", QuantityError::Suffix),
            ("10 Mi", QuantityError::Format),
            ("1MB", QuantityError::Format),
        ] {
            assert_eq!(Quantity::parse(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn amounts_compare_and_add_by_value() {
        let q = |t| Quantity::parse(t).expect("test quantity");
        assert_eq!(q("1000m"), q("1"));
        assert!(q("1Gi") > q("1G"));
        assert_eq!((q("50m") + q("70m")).to_string(), "120m");
        assert_eq!((q("32Mi") + q("62Mi")).to_string(), "94Mi");
        assert_eq!((q("100m").value(), q("1500m").value(), q("1n").milli()), (1, 2, 1));
    }
}
