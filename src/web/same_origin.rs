//! Protection against cross-site request forgery (CSRF) for all routes.

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::Method;
use rocket::{Request, Route, get, routes, uri};

use crate::web::error::ErrorPage;
use crate::web::events::{Event, Events};

/// Blocks cross-site requests, except `GET`, `HEAD` and `OPTIONS`.
///
/// The browser's headers show where a request comes from, so forms don't need tokens. Go's
/// `http.CrossOriginProtection` and Rails 8.2 do the same (OWASP CSRF Prevention Cheat Sheet, "Fetch
/// Metadata").
pub fn fairing() -> impl Fairing {
    AdHoc::on_request("Same origin", |request, _| {
        Box::pin(async move {
            if is_cross_site(request) {
                Events::of(request).record(Event::CrossSiteBlocked);
                // A fairing can't respond, but it can route the request to another handler.
                request.set_method(Method::Get);
                request.set_uri(uri!(blocked));
            } else if request.method() == Method::Head && request.content_type().is_some() {
                // A form whose `_method` field is `HEAD`. Rocket would respond to this `POST` without a
                // body, and break the connection.
                request.set_method(Method::Get);
            }
        })
    })
}

pub fn routes() -> Vec<Route> {
    routes![blocked]
}

#[get("/cross-site")]
fn blocked() -> ErrorPage {
    ErrorPage::cross_site()
}

fn is_cross_site(request: &Request<'_>) -> bool {
    if matches!(request.method(), Method::Get | Method::Head | Method::Options) {
        return false;
    }
    let header = |name| request.headers().get_one(name).filter(|value| !value.is_empty());
    match (header("Sec-Fetch-Site"), header("Origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        // The browser is older, or the site does not use HTTPS. Compares the hosts and not the schemes,
        // which differ if a proxy serves HTTPS.
        (None, Some(origin)) => {
            let origin = origin.split_once("://").map(|(_, host)| host);
            // An HTTP/2 request has an authority instead of a `Host` header.
            let host = header("Host").map(str::to_owned);
            let host = host.or_else(|| request.host().map(ToString::to_string));
            !origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(&host))
        }
        // The client is not a browser. Other sites can't make a client such as curl send requests.
        (None, None) => false,
    }
}
