use rocket::fairing::AdHoc;
use rocket::http::{Method, Status};
use rocket::{Request, get, uri};

/// Blocks requests from other sites that could change something.
pub fn fairing() -> AdHoc {
    AdHoc::on_request("Same origin", |request, _| {
        Box::pin(async move {
            if is_cross_site(request) {
                request.set_method(Method::Get);
                request.set_uri(uri!(blocked));
            }
        })
    })
}

#[get("/cross-site")]
pub fn blocked() -> Status {
    Status::Forbidden
}

fn is_cross_site(request: &Request<'_>) -> bool {
    if matches!(request.method(), Method::Get | Method::Head | Method::Options) {
        return false;
    }
    let header = |name| request.headers().get_one(name);
    match (header("Sec-Fetch-Site"), header("Origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != header("Host")
        }
        (None, None) => false,
    }
}
