//! Texts that may hold a URL with a login in it, such as a command line or an error about one,
//! with the login taken out.

use std::borrow::Cow;

/// What stands in place of a login.
const HIDDEN: &str = "***";
/// Parts of a query that hold a login, as in `unix:///PATH?pass=PASSWORD`.
const SECRET_PARTS: [&str; 6] = ["pass", "password", "user", "username", "token", "auth"];

/// The text with the login of every URL in it replaced by `***`: from the scheme to the last `@`
/// before a space or quote, since passwords that are not encoded hold anything.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        result.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || c.is_control() || "'\"`<>".contains(c));
        // Another URL may follow in a list.
        let next = after.find("://").and_then(|next| after[..next].rfind([',', '=']));
        let end = [end, next].into_iter().flatten().min().unwrap_or(after.len());
        let (url, others) = after.split_at(end);
        result.push_str(&hidden(url));
        rest = others;
    }
    result.push_str(rest);
    Cow::Owned(result)
}

/// A value that was to be the address of a server, with whatever may be a login hidden, however
/// wrongly it is written.
#[must_use]
pub fn redacted(value: &str) -> String {
    match value.split_once("://") {
        Some((scheme, url)) => format!("{scheme}://{}", hidden(url)),
        None => hidden(value),
    }
}

/// What follows the scheme, without its login.
fn hidden(url: &str) -> String {
    let (hides, url) = match url.rsplit_once('@') {
        Some((_, host)) => (true, host),
        // A password without a host after it.
        None if url.starts_with(':') => (true, ""),
        None => (false, url),
    };
    let login = match (hides, url) {
        (false, _) => "",
        (true, "") => HIDDEN,
        (true, _) => "***@",
    };
    match url.split_once('?') {
        None => format!("{login}{url}"),
        Some((path, query)) => {
            let parts: Vec<_> = query.split('&').map(part).collect();
            format!("{login}{path}?{}", parts.join("&"))
        }
    }
}

fn part(part: &str) -> Cow<'_, str> {
    match part.split_once('=') {
        Some((name, _)) if SECRET_PARTS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => {
            Cow::Owned(format!("{name}={HIDDEN}"))
        }
        _ => Cow::Borrowed(part),
    }
}

/// One argument of a command line with the login of every URL in it hidden. Unlike in
/// [`without_secrets`], a URL ends at no space or quote, since those may stand in a password too,
/// but only where another one follows in a list.
#[must_use]
pub fn word_without_secrets(word: &str) -> String {
    let mut result = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        result.push_str(before);
        // A socket stands alone, and the password in its query may hold anything.
        let is_socket = before.ends_with("unix://");
        let next = after.find("://").filter(|_| !is_socket);
        let end = next.and_then(|next| after[..next].rfind(',')).unwrap_or(after.len());
        let (url, others) = after.split_at(end);
        result.push_str(&hidden(url));
        rest = others;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_hidden_wherever_a_url_stands() {
        for (text, shown) in [
            ("bench scale --worker 1,2", "bench scale --worker 1,2"),
            ("redis://:pw@h:1/2", "redis://***@h:1/2"),
            ("--redis=redis://ada:p@w@h", "--redis=redis://***@h"),
            ("tcp://u:p/w?x#y@h:2375", "tcp://***@h:2375"),
            ("'http://u:p@h/?a=b' and 'https://v@k'", "'http://***@h/?a=b' and 'https://***@k'"),
            ("unix:///r?db=1&pass=pw&user=ada", "unix:///r?db=1&pass=***&user=***"),
            ("rng=http://a:b@h,hasher=http://c:d@k", "rng=http://***@h,hasher=http://***@k"),
            ("http://h/?u=http://a:b@k", "http://h/?u=http://***@k"),
            ("redis://:pw", "redis://***"),
            ("http://h:80/a@b", "http://***@b"),
            ("http://h:80/a", "http://h:80/a"),
            ("\u{1b}[33mhttp://u:p@h\u{1b}[0m a@b", "\u{1b}[33mhttp://***@h\u{1b}[0m a@b"),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
            assert_eq!(without_secrets(shown), shown, "twice: {text}");
        }
    }

    #[test]
    fn an_argument_hides_passwords_of_any_characters() {
        for (word, shown) in [
            ("redis://ada:pa'ss@h", "redis://***@h"),
            ("redis://ada:pa\"ss@h:1/2", "redis://***@h:1/2"),
            ("--redis=redis://ada:a<b@h", "--redis=redis://***@h"),
            ("redis://ada:pa ss@h", "redis://***@h"),
            ("redis://ada:a`b>c\td@h", "redis://***@h"),
            ("redis://ada:a,b=c@h", "redis://***@h"),
            ("rng=http://a:' @h,hasher=http://c:\"@k", "rng=http://***@h,hasher=http://***@k"),
            ("http://h/?u=http://a:b@k", "http://***@k"),
            ("unix:///r?db=1&pass=a b,c=d://e", "unix:///r?db=1&pass=***"),
            ("a word", "a word"),
            ("rng=http://h:80/a", "rng=http://h:80/a"),
        ] {
            assert_eq!(word_without_secrets(word), shown, "{word}");
        }
    }

    #[test]
    fn an_address_that_is_wrongly_written_shows_no_login_either() {
        for (text, shown) in [
            ("ada:pw@h:1", "***@h:1"),
            (":pw", "***"),
            ("redis:port", "redis:port"),
            ("http://u:pw@h", "http://***@h"),
        ] {
            assert_eq!(redacted(text), shown, "{text}");
        }
    }
}
