//! A value of the command line beside its spelling. Reports repeat what was asked for as it was
//! typed, and never compute it back from what was measured.

/// A value and how it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed<T> {
    /// The value.
    pub value: T,
    /// Its spelling, without space around it.
    pub text: String,
}

/// A parser that keeps the spelling beside what `parse` reads.
pub(super) fn typed<T>(
    parse: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Typed<T>, String> + Clone + Send + Sync {
    move |text| Ok(Typed { value: parse(text)?, text: text.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_stays_beside_the_value() {
        let number = typed(|text| text.trim().parse::<f64>().map_err(|error| error.to_string()));
        assert_eq!(number(" 0.30 "), Ok(Typed { value: 0.3, text: "0.30".to_owned() }));
        assert!(number("x").is_err());
    }
}
