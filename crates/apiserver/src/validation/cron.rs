//! Reading a cron schedule, with the errors of `robfig/cron`'s standard parser.

/// Ranges of the five fields: minute, hour, day of month, month, day of week.
const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DESCRIPTORS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Checks a schedule; the error is upstream's text.
pub fn parse(schedule: &str) -> Result<(), String> {
    let mut text = schedule.trim();
    if let Some(zone) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
        text = zone.split_once(' ').map_or("", |(_, rest)| rest).trim();
    }
    if text.starts_with('@') {
        if DESCRIPTORS.contains(&text) {
            return Ok(());
        }
        if let Some(every) = text.strip_prefix("@every ") {
            return values::duration::parse_go(every).map(drop).map_err(|e| format!("failed to parse duration {text}: {e}"));
        }
        return Err(format!("unrecognized descriptor: {text}"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    fields.iter().zip(0..).try_for_each(|(text, index)| field(text, index))
}

fn field(text: &str, index: usize) -> Result<(), String> {
    text.split(',').try_for_each(|part| range(part, index))
}

fn range(expression: &str, index: usize) -> Result<(), String> {
    let (low, high) = BOUNDS[index];
    let steps: Vec<&str> = expression.split('/').collect();
    let ends: Vec<&str> = steps[0].split('-').collect();
    let (start, mut end) = match ends.as_slice() {
        ["*" | "?"] => (low, high),
        [one] => {
            let value = number(one, index)?;
            (value, value)
        }
        [first, last] => (number(first, index)?, number(last, index)?),
        _ => return Err(format!("too many hyphens: {expression}")),
    };
    let step = match steps.as_slice() {
        [_] => 1,
        [_, step] => {
            if ends.len() == 1 && !matches!(ends[0], "*" | "?") {
                end = high;
            }
            plain(step)?
        }
        _ => return Err(format!("too many slashes: {expression}")),
    };
    if start < low {
        return Err(format!("beginning of range ({start}) below minimum ({low}): {expression}"));
    }
    if end > high {
        return Err(format!("end of range ({end}) above maximum ({high}): {expression}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {expression}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {expression}"));
    }
    Ok(())
}

fn number(text: &str, index: usize) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    let named = match index {
        3 => MONTHS.iter().position(|m| *m == lower).map(|i| i as u32 + 1),
        4 => DAYS.iter().position(|d| *d == lower).map(|i| i as u32),
        _ => None,
    };
    named.map_or_else(|| plain(text), Ok)
}

fn plain(text: &str) -> Result<u32, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(u32::try_from(number).unwrap_or(u32::MAX)),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn schedules_are_read_with_upstreams_errors() {
        let cases = [
            ("*/5 * * * *", ""),
            ("0 2 1-15 jan-mar mon,wed", ""),
            ("@hourly", ""),
            ("@every 1h30m", ""),
            ("@sometimes", "unrecognized descriptor: @sometimes"),
            ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
        ];
        for (schedule, want) in cases {
            assert_eq!(parse(schedule).err().unwrap_or_default(), want, "{schedule}");
        }
    }
}
