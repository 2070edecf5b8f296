use rocket::fairing::AdHoc;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

pub fn fairing() -> AdHoc {
    AdHoc::on_response("Security headers", |_, response| {
        Box::pin(async move {
            response.set_raw_header("Content-Security-Policy", POLICY);
            response.set_raw_header("Referrer-Policy", "same-origin");
            response.set_raw_header("Cache-Control", "no-store");
        })
    })
}
