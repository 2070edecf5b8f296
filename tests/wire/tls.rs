//! HTTPS without a proxy.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::server::*;

/// A self-signed certificate for `localhost` and its key, both as files.
pub struct Certificate {
    pub certs: PathBuf,
    pub key: PathBuf,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new(dir: &Path) -> Certificate {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certs, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        fs::write(&certs, pair.cert.pem()).unwrap();
        fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        Certificate { certs, key, der: pair.cert.der().clone() }
    }

    /// Registers ada over HTTPS on `port`, and returns the response.
    pub fn register(&self, port: u16, headers: &str) -> String {
        let length = ADA.len();
        let request = format!(
            "POST /register HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n\
             Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n{headers}\r\n{ADA}"
        );
        self.send(port, &request)
    }

    /// Opens an HTTPS connection to `port`.
    pub fn connect(&self, port: u16) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config =
            Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        StreamOwned::new(connection, stream)
    }

    /// Sends text over HTTPS, and returns what the server sends until it closes the connection.
    pub fn send(&self, port: u16, text: &str) -> String {
        let mut stream = self.connect(port);
        stream.write_all(text.as_bytes()).unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        String::from_utf8(response).unwrap()
    }
}

/// Asserts that the response sets a secure session cookie and HSTS.
#[track_caller]
pub fn assert_secure_cookie_and_hsts(response: &str) {
    let lines = response.lines().map(str::to_lowercase).collect::<Vec<_>>();
    let cookie = lines.iter().find(|line| line.starts_with("set-cookie: __host-login="));
    let cookie = cookie.unwrap_or_else(|| panic!("no cookie in {response}"));
    for part in ["; httponly", "; secure", "; path=/", "; samesite=lax"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    let hsts = "strict-transport-security: max-age=31536000";
    assert!(lines.iter().any(|line| line == hsts), "{response}");
}

#[test]
fn serves_https_with_secure_cookies_and_hsts() {
    let dir = TempDir::new().unwrap();
    let certificate = Certificate::new(dir.path());
    let Certificate { certs, key, .. } = &certificate;
    let tls = format!("{{certs = {certs:?}, key = {key:?}}}");
    let server = start(program(dir.path()).env("ROCKET_TLS", tls));
    assert_secure_cookie_and_hsts(&certificate.register(server.port, ""));
}
