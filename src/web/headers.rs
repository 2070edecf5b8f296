//! Security headers of every response.

use rocket::fairing::{AdHoc, Fairing};
use rocket::shield::{Feature, Frame, Hsts, NoSniff, Permission, Referrer, Shield};
use rocket::time::Duration;

/// Allows only this site's own files, without `unsafe-inline`: injected scripts don't run, and no other
/// site can frame a page (OWASP ASVS 5, 3.4.3 and 3.4.6).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Rocket's shield. HSTS, for a year, if the site is served over HTTPS (OWASP ASVS 5, 3.4.1).
pub fn shield(https: bool) -> Shield {
    let permissions =
        Permission::blocked(Feature::Camera).block(Feature::Geolocation).block(Feature::Microphone);
    let shield = Shield::new()
        .enable(Frame::Deny)
        .enable(NoSniff::Enable)
        // Not `no-referrer`: browsers would send `Origin: null` with our own forms.
        .enable(Referrer::SameOrigin)
        .enable(permissions);
    if https { shield.enable(Hsts::Enable(Duration::days(365))) } else { shield }
}

/// Adds the headers that Rocket's shield lacks. With `https`, also marks every cookie as `Secure`.
///
/// Pages are not cached, unless a handler sets `Cache-Control`: after a logout, nobody should see them.
pub fn fairing(https: bool) -> impl Fairing {
    AdHoc::on_response("Headers", move |_, response| {
        Box::pin(async move {
            response.set_raw_header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
            response.set_raw_header("Cross-Origin-Opener-Policy", "same-origin");
            if response.headers().get_one("Cache-Control").is_none() {
                response.set_raw_header("Cache-Control", "no-store");
            }
            if https {
                // Behind a proxy, Rocket sets its flash cookie without it (OWASP ASVS 5, 3.3.1).
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
