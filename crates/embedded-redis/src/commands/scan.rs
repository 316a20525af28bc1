//! `SCAN` and `HSCAN`; must show every entry that stays from the first page to the last.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::error::CommandError;
use crate::glob;
use crate::integer::parse_integer;
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] =
    &[Command::new("hscan", -3, scan_hash), Command::new("scan", -2, scan_keys)];

const DEFAULT_COUNT: usize = 10;

#[derive(Debug)]
struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    type_name: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(mut words: &'a [Bytes], with_type: bool) -> Result<Self, CommandError> {
        let mut options = Self { pattern: None, count: DEFAULT_COUNT, type_name: None };
        while let [option, value, rest @ ..] = words {
            if is_option(option, "match") {
                options.pattern = Some(value);
            } else if is_option(option, "count") {
                let count = parse_integer(value).ok_or(CommandError::NotAnInteger)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                options.count = count.ok_or(CommandError::Syntax)?;
            } else if with_type && is_option(option, "type") {
                options.type_name = Some(value);
            } else {
                return Err(CommandError::Syntax);
            }
            words = rest;
        }
        if words.is_empty() { Ok(options) } else { Err(CommandError::Syntax) }
    }

    fn wants(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, name))
    }
}

fn parse_cursor(word: &[u8]) -> Result<u64, CommandError> {
    let text = std::str::from_utf8(word).ok();
    text.and_then(|text| text.parse().ok()).ok_or(CommandError::InvalidCursor)
}

fn scan_keys(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let cursor = parse_cursor(&request[1])?;
    let options = Options::parse(&request[2..], true)?;
    let (next, page) = context.store.keys().page(cursor, options.count);
    let wanted = page.into_iter().filter(|(key, entry)| {
        let type_name = entry.value.type_name();
        options.wants(key) && options.type_name.is_none_or(|wanted| is_option(wanted, type_name))
    });
    Ok(page_reply(next, wanted.map(|(key, _)| key.clone())))
}

fn scan_hash(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let cursor = parse_cursor(&request[2])?;
    let Some(hash) = context.store.hash(&request[1])? else {
        return Ok(page_reply(0, std::iter::empty()));
    };
    let options = Options::parse(&request[3..], false)?;
    let (next, page) = hash.page(cursor, options.count);
    let wanted = page.into_iter().filter(|(field, _)| options.wants(field));
    Ok(page_reply(next, wanted.flat_map(|(field, value)| [field.clone(), value.clone()])))
}

fn page_reply(next: u64, items: impl Iterator<Item = Bytes>) -> Reply {
    Reply::Array(vec![Reply::text_bulk(next.to_string()), Reply::bulks(items)])
}
