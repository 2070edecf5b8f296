//! Nothing changes because of a form on another site: every route is covered, tomorrow's too.

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::Method;
use rocket::{Request, get, uri};

use crate::error::ErrorPage;
use crate::events::{Event, Events};

/// Sends what another site made a browser send to [`refused`] before it is routed.
///
/// By header and without tokens, as Go's `http.CrossOriginProtection` and Rails 8.2 do it (OWASP
/// CSRF Prevention Cheat Sheet, "Fetch Metadata").
pub fn fairing() -> impl Fairing {
    AdHoc::on_request("Same origin", |request, _| {
        Box::pin(async move {
            if is_cross_site(request) {
                Events::of(request).record(Event::CrossSiteRefused);
                // A fairing can't answer, but it says where the request goes.
                request.set_method(Method::Get);
                request.set_uri(uri!(refused));
            }
        })
    })
}

/// The answer: a 403 page, or JSON.
#[get("/cross-site")]
pub fn refused() -> ErrorPage {
    ErrorPage::cross_site()
}

fn is_cross_site(request: &Request<'_>) -> bool {
    if matches!(request.method(), Method::Get | Method::Head | Method::Options) {
        return false;
    }
    let header = |name| request.headers().get_one(name).filter(|value| !value.is_empty());
    match (header("Sec-Fetch-Site"), header("Origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        // An older browser, or a page without HTTPS. The scheme is not compared: a proxy may have
        // taken HTTPS away.
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, host)| host);
            // HTTP/2 has the host elsewhere.
            let to = header("Host").map(str::to_owned).or(request.host().map(ToString::to_string));
            !from.zip(to).is_some_and(|(from, to)| from.eq_ignore_ascii_case(&to))
        }
        // No browser: curl, a script. Nobody else's cookies are in there.
        (None, None) => false,
    }
}
