//! One question to a running server, over TLS where it speaks that.

use std::{
    io::{Read, Result, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, Stream,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/health`; the version and status of the answer.
pub(crate) fn ask(address: SocketAddr, tls: bool) -> Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    if !tls {
        return exchange(&mut connection, address);
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(std::io::Error::other)?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Own(provider))).with_no_client_auth();
    let mut session = ClientConnection::new(config.into(), address.ip().into()).map_err(std::io::Error::other)?;
    exchange(&mut Stream::new(&mut session, &mut connection), address)
}

fn exchange(connection: &mut (impl Read + Write), address: SocketAddr) -> Result<String> {
    write!(connection, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; "HTTP/1.1 200".len()];
    connection.read_exact(&mut status)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

/// Takes any certificate: the server is this machine's own, asked by its address, for which no certificate is made.
#[derive(Debug)]
struct Own(Arc<CryptoProvider>);

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
