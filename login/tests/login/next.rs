//! `Next`, which prevents open redirects.

use rocket::response::Redirect;
use rocket::serde::json::to_string;
use rocket_login::Next;

use crate::open_redirects::OPEN_REDIRECTS;

#[test]
fn accepts_a_path_on_this_site_unchanged() {
    for path in ["/", "/members", "/a/b?c=d&e=%2F", "/a//b", "/%5C%5Cevil.example"] {
        let next = Next::parse(path).unwrap();
        assert_eq!(to_string(&next).unwrap(), format!("\"{path}\""));
        assert_eq!(next.to_string(), path);
        let redirect = format!("{:?}", Redirect::from(next));
        assert!(redirect.contains(path.split('?').next().unwrap()), "{redirect}");
    }
}

#[test]
fn next_can_be_a_parameter_of_the_uri_macro() {
    #[rocket::get("/log-in?<_next>")]
    fn log_in(_next: Option<Next>) {}

    let next = Next::parse("/a?b=c").unwrap();
    assert_eq!(rocket::uri!(log_in(_next = Some(next))), "/log-in?_next=%2Fa%3Fb%3Dc");
    assert_eq!(rocket::routes![log_in].len(), 1);
    assert_eq!(rocket::uri!(log_in(_next = None::<Next>)), "/log-in");
}

#[test]
fn rejects_anything_that_a_browser_might_treat_as_another_site() {
    let long = format!("/{}", "a".repeat(2048));
    for text in OPEN_REDIRECTS.into_iter().chain([long.as_str()]) {
        assert_eq!(Next::parse(text), None, "{text:?}");
    }
}
