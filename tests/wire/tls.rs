//! HTTPS served by Rocket itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::server::*;

#[test]
fn rocket_serves_https_with_secure_cookies_and_tells_browsers_to_stay() {
    let dir = TempDir::new().unwrap();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certs, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&certs, pair.cert.pem()).unwrap();
    fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let tls = format!("{{certs = {certs:?}, key = {key:?}}}");
    let server = start(program(dir.path()).env("ROCKET_TLS", tls));

    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let config =
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
    let length = ADA.len();
    let request = format!(
        "POST /register HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\n\
         Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{ADA}"
    );
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(config, name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();

    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: __Host-login="));
    let cookie = cookie.unwrap_or_else(|| panic!("no cookie in {answer}"));
    for part in ["; HttpOnly", "; Secure", "; Path=/", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
}
