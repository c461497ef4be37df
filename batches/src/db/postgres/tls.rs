//! TLS to a PostgreSQL server: whose certificate it may be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use komopay_core::{Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Whom to believe that it is the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is encrypted.
    Plain,
    /// Whoever answers: `sslmode=require`, as libpq has it.
    Anybody,
    /// Who has a certificate for this name, from an authority that the system trusts.
    System,
    /// Who has one from an authority in this file.
    Authorities(PathBuf),
}

/// How TLS is spoken. One that trusts nobody where it is not spoken.
pub(super) fn config(trust: &Trust) -> Result<ClientConfig> {
    let refuse = |problem: String| Error::setting("journal", problem);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(format!("TLS: {error}")))?;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Plain => return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        Trust::Authorities(path) => {
            return Ok(builder.with_root_certificates(authorities(path)?).with_no_client_auth());
        }
        Trust::Anybody => Arc::new(Anybody(provider)),
        Trust::System => Arc::new(Verifier::new(provider).map_err(|error| {
            refuse(format!("no trusted certificate authorities: {error}; install the system's, or give sslrootcert"))
        })?),
    };
    // rustls calls any verifier but its own "dangerous".
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn authorities(path: &Path) -> Result<RootCertStore> {
    let refuse = |problem: String| Error::setting("journal", format!("sslrootcert: {} {problem}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(certificates);
    if taken == 0 {
        return Err(refuse("holds no PEM certificate of an authority".to_owned()));
    }
    Ok(roots)
}

/// Believes any certificate, and still has its key proved.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
