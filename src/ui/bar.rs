//! A share of a whole as a bar of a terminal.

/// `████░░░░░░`: `thousandths` of `cells`. What is not nothing has at least one cell filled, and what is not all of it has
/// one left.
pub fn bar(thousandths: u64, cells: usize) -> String {
    let whole = cells as u64;
    let rounded = (thousandths.min(1000) * whole + 500) / 1000;
    let filled = match thousandths {
        0 => 0,
        1..1000 => rounded.clamp(1, whole.saturating_sub(1).max(1)),
        _ => whole,
    };
    let filled = usize::try_from(filled).unwrap_or(cells);
    "█".repeat(filled) + &"░".repeat(cells - filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_empty_or_full_by_rounding() {
        for (thousandths, shown) in [
            (0, "░░░░"),
            (1, "█░░░"),
            (500, "██░░"),
            (999, "███░"),
            (1000, "████"),
            (2500, "████"),
        ] {
            assert_eq!(bar(thousandths, 4), shown, "{thousandths}");
        }
    }
}
