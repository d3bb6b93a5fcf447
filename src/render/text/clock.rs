//! Lengths of time.

/// `3:07`, `1:02:05`.
pub fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn as_on_a_stop_watch() {
        assert_eq!([0, 187, 3725].map(super::duration), ["0:00", "3:07", "1:02:05"]);
    }
}
