//! Protobuf's wire format: tags, varints, lengths.

/// One field as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire<'a> {
    /// An integer or boolean.
    Varint(u64),
    /// Eight bytes: a double.
    Fixed64(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// A message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It ends in the middle of a field.
    #[error("unexpected EOF")]
    UnexpectedEnd,
    /// A varint of more than ten bytes.
    #[error("proto: integer overflow")]
    Overflow,
    /// Groups are not used by Kubernetes.
    #[error("proto: illegal wireType {0}")]
    WireType(u8),
}

/// The fields of a message in their order.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for (index, byte) in self.0.iter().enumerate() {
            if index == 10 {
                return Err(WireError::Overflow);
            }
            value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32).unwrap_or(0);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok(value);
            }
        }
        Err(WireError::UnexpectedEnd)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(WireError::UnexpectedEnd)?;
        self.0 = rest;
        Ok(head)
    }

    fn field(&mut self) -> Result<(u32, Wire<'a>), WireError> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::Overflow)?;
        let value = match (tag & 7) as u8 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| WireError::UnexpectedEnd)?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Overflow)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| WireError::UnexpectedEnd)?)),
            other => return Err(WireError::WireType(other)),
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}
