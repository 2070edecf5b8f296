//! What every answer tells the browser not to do.

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::Status;

/// On every answer. The numbers are those of OWASP ASVS 5.
const HEADERS: [(&str, &str); 6] = [
    // 3.4.3, 3.4.6: only our own files and the icon in the page itself, and in nobody's frame. No
    // `unsafe-inline`, so what is smuggled into a page does not run.
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    // For browsers that don't know `frame-ancestors`.
    ("X-Frame-Options", "DENY"),
    // 3.4.4
    ("X-Content-Type-Options", "nosniff"),
    // 3.4.5. Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    ("Referrer-Policy", "same-origin"),
    // 3.4.8
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
];

/// 3.4.1: a year.
const HSTS: &str = "max-age=31536000";

/// Adds them. If the site is served over `https`, HSTS too, and no cookie goes anywhere else.
pub fn fairing(https: bool) -> impl Fairing {
    AdHoc::on_response("Headers", move |request, response| {
        Box::pin(async move {
            for (name, value) in HEADERS {
                response.set_raw_header(name, value);
            }
            if https {
                response.set_raw_header("Strict-Transport-Security", HSTS);
                // 3.3.1: behind a proxy Rocket's own, that of a flash say, would be sent in clear.
                let cookies: Vec<_> = response.headers().get("Set-Cookie").map(secure).collect();
                response.remove_header("Set-Cookie");
                for cookie in cookies {
                    response.adjoin_raw_header("Set-Cookie", cookie);
                }
            }
            // Nobody who comes after a logout should find the page before it. Files are the same for
            // everyone.
            let is_file = request.uri().path().starts_with("/static/");
            let cache = if is_file && response.status() == Status::Ok {
                "public, max-age=3600"
            } else {
                "no-store"
            };
            response.set_raw_header("Cache-Control", cache);
        })
    })
}

fn secure(cookie: &str) -> String {
    if cookie.contains("; Secure") { cookie.to_owned() } else { format!("{cookie}; Secure") }
}
