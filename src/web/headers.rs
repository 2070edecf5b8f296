//! Security headers and caching headers of all responses.

use rocket::fairing::{AdHoc, Fairing};
use rocket::shield::{Feature, Frame, Hsts, NoSniff, Permission, Referrer, Shield};
use rocket::time::Duration;

/// Allows only files of this site and `data:` images. Without `unsafe-inline`, injected inline scripts
/// don't run. Other sites can't show a page in a frame (OWASP ASVS 5, 3.4.3 and 3.4.6).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Returns a `Shield` with this app's policies. With `https`, adds HSTS for 1 year (OWASP ASVS 5, 3.4.1).
pub fn shield(https: bool) -> Shield {
    let permissions =
        Permission::blocked(Feature::Camera).block(Feature::Geolocation).block(Feature::Microphone);
    let shield = Shield::new()
        .enable(Frame::Deny)
        .enable(NoSniff::Enable)
        // With `no-referrer`, browsers would send `Origin: null` with the forms of this site.
        .enable(Referrer::SameOrigin)
        .enable(permissions);
    if https { shield.enable(Hsts::Enable(Duration::days(365))) } else { shield }
}

/// Adds the headers that `Shield` does not set. With `https`, makes every cookie `Secure`.
///
/// Browsers do not cache a page unless its handler sets `Cache-Control`, because otherwise the back
/// button would show pages after a logout.
pub fn fairing(https: bool) -> impl Fairing {
    AdHoc::on_response("Headers", move |_, response| {
        Box::pin(async move {
            response.set_raw_header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
            response.set_raw_header("Cross-Origin-Opener-Policy", "same-origin");
            if response.headers().get_one("Cache-Control").is_none() {
                response.set_raw_header("Cache-Control", "no-store");
            }
            if https {
                // Rocket does not make its flash cookie `Secure` behind a proxy (OWASP ASVS 5, 3.3.1).
                let cookies: Vec<_> = response.headers().get("Set-Cookie").map(secure).collect();
                response.remove_header("Set-Cookie");
                for cookie in cookies {
                    response.adjoin_raw_header("Set-Cookie", cookie);
                }
            }
        })
    })
}

fn secure(cookie: &str) -> String {
    if cookie.contains("; Secure") { cookie.to_owned() } else { format!("{cookie}; Secure") }
}
