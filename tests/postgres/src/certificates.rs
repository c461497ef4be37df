//! Certificates for servers of tests: an authority, and what it says of `localhost`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::programs::give;

/// An authority of its own, and the certificate of a server.
pub struct Certificates {
    folder: TempDir,
    certificate: String,
    key: String,
}

impl Certificates {
    /// Makes them for a server named `localhost`.
    #[must_use]
    pub fn make() -> Self {
        Self::make_for(&["localhost"])
    }

    /// Makes them for a server of these names and addresses.
    #[must_use]
    pub fn make_for(names: &[&str]) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        let certificate = server.signed_by(&key, &authority).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        Self { folder, certificate, key: key.serialize_pem() }
    }

    /// The file of the authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The server's certificate and its key, as PEM.
    #[must_use]
    pub fn of_server(&self) -> (&str, &str) {
        (&self.certificate, &self.key)
    }

    pub(crate) fn give(&self, data: &Path) {
        for (name, text) in [("server.crt", &self.certificate), ("server.key", &self.key)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            give(&path);
        }
    }
}
