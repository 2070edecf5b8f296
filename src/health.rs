//! The command `health`, for containers, whose images have no HTTP client.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rocket::Config;
use rocket::figment::Figment;

/// The maximum time to connect, and the maximum time to wait for the response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Requests `/healthz` from the server with these settings. Uses HTTP without TLS, so it does not work if
/// Rocket itself serves HTTPS.
///
/// # Errors
///
/// Returns an error if a setting is invalid, if the server does not respond, or if its status is not 200.
pub fn check(figment: &Figment) -> Result<String, String> {
    let config = Config::try_from(figment).map_err(|error| error.to_string())?;
    let address = SocketAddr::new(local(config.address), config.port);
    let status = request(address).map_err(|cause| format!("{address} does not answer: {cause}"))?;
    match status.split(' ').nth(1) {
        Some("200") => Ok("healthy".to_owned()),
        _ => Err(format!("{address} is not healthy: {status}")),
    }
}

/// Returns the address to connect to. A server at 0.0.0.0 listens on all addresses of this machine.
fn local(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

/// Returns the first line of the response.
fn request(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET /healthz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut response = Vec::new();
    stream.take(1024).read_to_end(&mut response)?;
    let response = String::from_utf8_lossy(&response);
    Ok(response.lines().next().unwrap_or_default().to_owned())
}
