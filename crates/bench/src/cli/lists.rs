//! Numbers of replicas as they are typed: `1,2,10`, `1..5`, `1..64*2`, or any of these with commas.

/// Most replicas of one service on a swarm.
const MOST: u32 = 100_000;
/// Most numbers in one list.
const MOST_NUMBERS: usize = 1000;

/// Numbers of replicas to be measured in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaList(pub Vec<u32>);

/// Reads a list.
pub(super) fn replica_list(text: &str) -> Result<ReplicaList, String> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        numbers.extend(range(part.trim())?);
        if numbers.len() > MOST_NUMBERS {
            return Err(format!("at most {MOST_NUMBERS} numbers"));
        }
    }
    Ok(ReplicaList(numbers))
}

/// `5`, `1..5` with both ends, or `1..64*2`: each twice the one before.
fn range(text: &str) -> Result<Vec<u32>, String> {
    let Some((from, rest)) = text.split_once("..") else { return Ok(vec![number(text)?]) };
    let (to, factor) = match rest.split_once('*') {
        Some((to, factor)) => (number(to)?, Some(number(factor)?)),
        None => (number(rest)?, None),
    };
    let from = number(from)?;
    let first = Some(from).filter(|from| *from <= to);
    let next = |last: &u32| {
        let next = match factor {
            Some(factor) => last.checked_mul(factor)?,
            None => last.checked_add(1)?,
        };
        (next <= to).then_some(next)
    };
    match factor {
        _ if first.is_none() => Err(format!("{from} is more than {to}")),
        Some(0 | 1) => Err("the factor must be 2 or more".to_owned()),
        Some(_) if from == 0 => Err("what is multiplied cannot begin with 0".to_owned()),
        _ => Ok(std::iter::successors(first, next).take(MOST_NUMBERS + 1).collect()),
    }
}

fn number(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|count| *count <= MOST);
    count.ok_or_else(|| {
        format!("must be whole numbers from 0 to {MOST}, as 1,2,10 or 1..5 or 1..64*2")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_numbers_and_ranges() {
        let read = |text: &str| replica_list(text).unwrap().0;
        assert_eq!(read("1,2,10"), [1, 2, 10]);
        assert_eq!(read("0"), [0]);
        assert_eq!(read("1..5"), [1, 2, 3, 4, 5]);
        assert_eq!(read("1..64*2"), [1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(read("1..50*3"), [1, 3, 9, 27]);
        assert_eq!(read("1..3, 2,10..11"), [1, 2, 3, 2, 10, 11]);
        for wrong in [
            "",
            "1,,2",
            "abc",
            "-1",
            "1.5",
            "100001",
            "99999999999",
            "5..1",
            "1..",
            "1..9*1",
            "0..8*2",
            "1..2000",
            "1..5*",
        ] {
            assert!(replica_list(wrong).is_err(), "{wrong:?} was accepted");
        }
    }
}
