//! Which cases are wanted.
//!
//! A case has a name of parts, `W3/L7/forward`, from the general to the
//! special. A pattern is one part or several in a row, so that `W3`, `L7`,
//! `W3/L7` and `forward` all find it, and `L1` does not find `L10`.
//! `torch_side.py` filters alike.

/// Patterns, one of which has to fit; none fit everything.
#[derive(Clone, Debug, Default)]
pub struct Filter(Vec<String>);

impl Filter {
    /// A filter of these patterns.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|p| format!("/{p}/")).collect())
    }

    /// Whether a case is wanted.
    pub fn wants(&self, case: &str) -> bool {
        let case = format!("/{case}/");
        self.0.is_empty() || self.0.iter().any(|pattern| case.contains(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_whole_parts_in_a_row() {
        let wants = |pattern: &str, case| Filter::new(&[pattern.to_owned()]).wants(case);
        assert!(wants("W3", "W3/L1/forward") && wants("L1/forward", "W3/L1/forward"));
        assert!(!wants("L1", "W3/L10/forward") && !wants("W3/forward", "W3/L1/forward"));
        assert!(Filter::default().wants("anything"));
    }
}
