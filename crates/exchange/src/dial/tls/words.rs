//! What went wrong with TLS, and what can be done, in a person's words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use tokio_rustls::rustls;

/// The server speaks HTTP/1.1 only.
pub(super) const NO_HTTP2: &str = "the server does not speak HTTP/2 over TLS; ask for HTTP/1.1";

/// Most names of a certificate that are listed.
const MOST_NAMES: usize = 3;

/// What a failure of TLS means.
pub(super) fn of(error: &Error, wants_http2: bool) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS on this port; try http://".to_owned()
        }
        Error::NoApplicationProtocol
        | Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            if wants_http2 =>
        {
            NO_HTTP2.to_owned()
        }
        Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
        ) => {
            "the server refuses; it may want a certificate of the client's, which is not supported"
                .to_owned()
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the server does not know this name".to_owned()
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            format!("no version or cipher in common: {error}")
        }
        error => error.to_string(),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match error {
        Expired => "its certificate has expired (-k accepts it)".to_owned(),
        ExpiredContext { time, not_after } => {
            let ago = span(time.as_secs().saturating_sub(not_after.as_secs()));
            format!("its certificate expired {ago} ago (-k accepts it)")
        }
        NotValidYet => {
            "its certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        NotValidYetContext { time, not_before } => {
            let until = span(not_before.as_secs().saturating_sub(time.as_secs()));
            format!("its certificate is valid in {until} only; is this machine's clock right?")
        }
        NotValidForName => "its certificate is for another name (-k accepts it)".to_owned(),
        NotValidForNameContext { presented, expected } if presented.is_empty() => format!(
            "its certificate names no host (only subjectAltName counts), so it is not for {} (-k \
             accepts it)",
            expected.to_str()
        ),
        NotValidForNameContext { presented, expected } => format!(
            "its certificate is for {}, not {} (-k accepts it)",
            names(presented),
            expected.to_str()
        ),
        UnknownIssuer => "its certificate is of an authority that is not trusted here (--ca names \
                          a file with the authority, -k accepts anyone)"
            .to_owned(),
        CertificateError::BadSignature => {
            "a signature is wrong: the server is not who it says, or \
                                           its authority has a new key that is not known here"
                .to_owned()
        }
        error if is_of_authority(error) => "its certificate signs itself as an authority and is \
                                            not trusted here (--ca names a file with it, -k \
                                            accepts anyone)"
            .to_owned(),
        error => format!("its certificate is not valid: {error} (-k accepts it)"),
    }
}

/// Whether a server's own certificate says that it is one of an authority, as those do that sign
/// themselves.
pub(super) fn is_of_authority(error: &CertificateError) -> bool {
    // rustls hands the reason on as it is, without a type of its own.
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// Names as they are in certificates, out of `DnsName("x")` and `IpAddress(1.2.3.4)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let listed: Vec<_> = presented.iter().take(MOST_NAMES).map(bare).collect();
    match presented.len() {
        0 => "no name at all".to_owned(),
        number if number > MOST_NAMES => {
            format!("{} and {} more names", listed.join(", "), number - MOST_NAMES)
        }
        _ => listed.join(" and "),
    }
}

/// A length of time, as exact as it matters.
fn span(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_unit() {
        for (seconds, words) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (3_600, "60 minutes"),
            (90_000, "25 hours"),
            (86_400 * 400, "400 days"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn a_certificate_s_names_are_listed_in_part() {
        let presented = |number: usize| {
            (1..=number).map(|n| format!("DnsName(\"h{n}.example\")")).collect::<Vec<_>>()
        };
        assert_eq!(names(&presented(0)), "no name at all");
        assert_eq!(names(&presented(2)), "h1.example and h2.example");
        let many = "h1.example, h2.example, h3.example and 2 more names";
        assert_eq!(names(&presented(5)), many);
        assert_eq!(names(&["IpAddress(10.0.0.1)".to_owned()]), "10.0.0.1");
    }
}
