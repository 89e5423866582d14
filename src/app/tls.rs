//! TLS without a proxy, by rustls.

use std::path::Path;

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::AppError;
use crate::config::TlsFiles;

/// Reads certificate and key.
///
/// # Errors
/// [`AppError::Tls`], which names the file.
pub(super) fn server_config(files: &TlsFiles) -> Result<ServerConfig, AppError> {
    let wrong = |path: &Path, reason: String| AppError::Tls { path: path.display().to_string(), reason };
    let chain = CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(&files.cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(&files.cert, "there is no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error.to_string()))?;
    ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(AppError::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&files.cert, error.to_string()))
}
