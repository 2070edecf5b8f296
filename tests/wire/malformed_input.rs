//! Malformed requests over TCP.

use std::time::Duration;

use tempfile::TempDir;

use crate::server::*;

#[test]
fn malformed_requests_cause_no_5xx_responses() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let host = "Host: localhost\r\nConnection: close\r\n";
    for request in [
        "\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        format!("GET /\0 HTTP/1.1\r\n{host}\r\n"),
        format!("GET /é HTTP/1.1\r\n{host}\r\n"),
        format!("GET //evil.example HTTP/1.1\r\n{host}\r\n"),
        format!("GET http://evil.example/dashboard HTTP/1.1\r\n{host}\r\n"),
        format!("GET /login?next=%ff%00&next=/&%zz HTTP/1.1\r\n{host}\r\n"),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(8_000)),
        format!("BREW /dashboard HTTP/1.1\r\n{host}\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Accept: \x7f;;,\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Accept: application/json;q=9,,/\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Cookie: login; =; ;;login=%;_flash=%ff\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}User-Agent: é{}\r\n\r\n", "é".repeat(300)),
        format!("POST /login HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        format!("POST /login HTTP/1.1\r\n{host}Content-Type: ;\r\nContent-Length: 1\r\n\r\na"),
        format!("POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ] {
        let response = server.send(request.as_bytes(), Duration::from_millis(500));
        assert!(!response.starts_with("HTTP/1.1 5"), "{request:?}: {response}");
    }
    assert!(server.get("/", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_session_stays_fresh_with_a_long_user_agent() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let mut accepted = 0;
    for user_agent in ["é".repeat(300), "x".repeat(2_000), "\u{1}".repeat(400)] {
        let header = format!("User-Agent: {user_agent}\r\n");
        let form =
            format!("username=ada{}&password=a+horse+that+staples+batteries", user_agent.len());
        let response = server.post("/register", &header, &form);
        // Skips a `User-Agent` that the server rejects.
        if response.starts_with("HTTP/1.1 400") {
            continue;
        }
        accepted += 1;
        let cookie = cookie(&response);
        assert!(cookie.len() < 4_000, "browsers reject a cookie of {} bytes", cookie.len());
        let page = server.get("/dashboard", &format!("{header}{cookie}"));
        assert!(page.contains("<dt>Recently authenticated</dt><dd>Yes, <time"), "{page}");
    }
    assert!(accepted >= 2, "{accepted}");
}

#[test]
fn a_huge_form_gets_a_413_page() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let form = format!("username=ada&password={}", "x".repeat(1_000_000));
    for path in ["/login", "/register"] {
        let response = server.post(path, "", &form);
        assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
        assert!(response.contains("Too large"), "{response}");
    }
}
