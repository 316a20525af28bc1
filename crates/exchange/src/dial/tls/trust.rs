//! Whose certificates are trusted.

mod given;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::rustls;

use crate::dial::route::Trust;
use crate::failure::words;

/// What judges a server's certificate; else why there is none.
pub(super) fn verifier(
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let by_authorities = |authorities| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider))
            .build()
            .map_err(|error| error.to_string())
    };
    Ok(match trust {
        Trust::Anyone => Arc::new(Anyone(Arc::clone(provider))),
        Trust::System => by_authorities(system()?)?,
        Trust::File(path) => {
            let (authorities, certificates) = of_file(path)?;
            Arc::new(given::Given::new(by_authorities(authorities)?, certificates))
        }
    })
}

fn system() -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    // Some of a system's certificates may be unreadable; the others are good all the same.
    let (usable, _) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable > 0 {
        return Ok(store);
    }
    Err("this machine knows no certificate authorities: install ca-certificates, name a file of \
         them with --ca, or trust anyone with -k"
        .to_owned())
}

/// The authorities in a file, and all its certificates as they are.
fn of_file(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), String> {
    let shown = path.display();
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| match error {
        rustls::pki_types::pem::Error::Io(error) => {
            format!("cannot read {shown}: {}", words(&error))
        }
        error => format!("{shown} is no PEM file: {error}"),
    })?;
    if certificates.is_empty() {
        return Err(format!("{shown} has no certificate in PEM form"));
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        let wrong = |error| format!("{shown} has a certificate that is none: {error}");
        store.add(certificate.clone()).map_err(wrong)?;
    }
    Ok((store, certificates))
}

/// Trusts every certificate, but not that somebody without its key uses it.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_answer: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
