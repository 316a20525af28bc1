//! Texts with the logins of the URLs in them hidden: a command line or an error by [`text`], a value
//! that should be an address by [`address`]. It depends on nothing of ours, and parses no URL: what is
//! written wrongly may hold a password too, so where two readings are possible it hides more.

use std::borrow::Cow;

/// What stands in place of a login.
const HIDDEN: &str = "***";
/// Parts of a query that hold a login, as in `unix:///PATH?pass=PASSWORD`.
const SECRET_PARTS: [&str; 6] = ["pass", "password", "user", "username", "token", "auth"];

/// The text with the login of every URL in it replaced by `***`: from the scheme to the last `@`
/// before a space or quote, since passwords that are not encoded hold anything.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
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

/// A value that should be the address of a server, with whatever may be a login replaced by `***`,
/// however wrongly it is written: without a scheme, with `/` or `@` in the password.
#[must_use]
pub fn address(value: &str) -> String {
    match value.split_once("://") {
        Some((scheme, url)) => format!("{scheme}://{}", hidden(url)),
        None if is_port(value) => value.to_owned(),
        None => hidden(value),
    }
}

/// `:80` and `:80/PATH`, whose host was forgotten, rather than a password.
fn is_port(value: &str) -> bool {
    let number = value.strip_prefix(':').map(|rest| rest.split('/').next().unwrap_or(rest));
    number.is_some_and(|number| number.parse::<u16>().is_ok()) && !value.contains(['@', '?'])
}

/// What follows the scheme, without its login.
fn hidden(url: &str) -> String {
    let (hides, url) = match url.rsplit_once('@') {
        // The @ of a password in the query: what follows is the rest of the password.
        Some((before, rest)) if ends_in_secret(before) => {
            (true, rest.find('&').map_or("", |end| &rest[end..]))
        }
        Some((_, host)) => (true, host),
        // A password without a host after it.
        None if url.starts_with(':') => (true, ""),
        None => (false, url),
    };
    let login = match (hides, url) {
        (false, _) => "",
        (true, "") => HIDDEN,
        (true, rest) if rest.starts_with('&') => return format!("{HIDDEN}{}", parts(rest)),
        (true, _) => "***@",
    };
    match url.split_once('?') {
        None => format!("{login}{url}"),
        Some((path, query)) => {
            format!("{login}{path}?{}", parts(query))
        }
    }
}

/// Whether the last part of a query is one that holds a login.
fn ends_in_secret(url: &str) -> bool {
    let last = url.rsplit_once(['?', '&']).and_then(|(_, part)| part.split_once('='));
    last.is_some_and(|(name, _)| is_secret(name))
}

/// A query with the values of parts that hold a login hidden.
fn parts(query: &str) -> String {
    let hidden = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => Cow::Owned(format!("{name}={HIDDEN}")),
        _ => Cow::Borrowed(part),
    });
    hidden.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    SECRET_PARTS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// One argument of a command line with the login of every URL in it hidden. Unlike in
/// [`text`], a URL ends at no space or quote, since those may stand in a password too,
/// but only where another one follows in a list.
#[must_use]
pub fn argument(word: &str) -> String {
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
            ("a list: http://u:p@h,http://v:q@k", "a list: http://***@h,http://***@k"),
            ("\u{1b}[33mhttp://u:p@h\u{1b}[0m a@b", "\u{1b}[33mhttp://***@h\u{1b}[0m a@b"),
        ] {
            assert_eq!(super::text(text), shown, "{text}");
            assert_eq!(super::text(shown), shown, "twice: {text}");
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
            assert_eq!(argument(word), shown, "{word}");
        }
    }

    #[test]
    fn an_address_that_is_wrongly_written_shows_no_login_either() {
        for (text, shown) in [
            ("ada:pw@h:1", "***@h:1"),
            (":pw", "***"),
            (":80", ":80"),
            (":80/x", ":80/x"),
            (":80/w@host", "***@host"),
            ("redis:port", "redis:port"),
            ("http://u:pw@h", "http://***@h"),
            ("http://u:pw@host:81/x", "http://***@host:81/x"),
            ("u:p@w@host", "***@host"),
            ("user:p@ss@host", "***@host"),
            ("http://u:p/w@host:x/", "http://***@host:x/"),
            ("u:p/w@host", "***@host"),
            ("u:p@s/w@host/x", "***@host/x"),
            ("http://u:p?w#x@host/", "http://***@host/"),
            ("http://host/x", "http://host/x"),
            ("host:80/x?y=1", "host:80/x?y=1"),
            ("unix:///r?pass=pw", "unix:///r?pass=***"),
            ("/r?db=1&PASS=pw&x=1", "/r?db=1&PASS=***&x=1"),
            ("redis://h?pass=p@w", "redis://***"),
            ("redis://h?pass=p@w&db=1&user=ada", "redis://***&db=1&user=***"),
            ("h?token=t", "h?token=***"),
            ("http://u:p@h,http://v:q@k", "http://***@k"),
            ("", ""),
        ] {
            assert_eq!(address(text), shown, "{text}");
            assert_eq!(address(shown), shown, "twice: {text}");
        }
    }
}
