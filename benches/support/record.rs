//! One measurement: a line of JSON that a measuring process prints.

use serde::{Deserialize, Serialize};

/// One measurement of one case by one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was measured: parts from the general to the special, `W3/L7/forward`.
    pub case: String,
    /// Who did it: `wengert`, `eager`, `channels_last+fused`, ….
    pub variant: String,
    /// The result.
    pub value: f64,
    /// What `value` counts.
    pub unit: Unit,
    /// How much was done in a run, 0 where that is not counted: floating-point
    /// operations of the direct algorithm (`W3`, `limit/fma`), bytes read and
    /// written (`W4`, `limit/copy`), recorded operations (`W0`).
    #[serde(default)]
    pub work: f64,
    /// Of how many runs this is the median.
    #[serde(default)]
    pub runs: usize,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes of 1024.
    Kib,
    /// Bytes that the process grew by in each step.
    Growth,
    /// Things.
    Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_other_side_is_understood() {
        let line = r#"{"case": "W1/b1", "variant": "eager", "value": 2.5, "unit": "ns"}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!((record.value, record.unit, record.runs), (2.5, Unit::Ns, 0));
        let again = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&again).unwrap(), record);
    }
}
