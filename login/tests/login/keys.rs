//! Session cookies that were encrypted with a previous secret key.

use crate::support::*;
use rocket::http::Cookie;
use rocket::local::blocking::Client;
use rocket_login::PreviousSecretKeys;

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 64] = [2; 64];

/// Returns a client of an app with this key, whose sessions are those of `from`, and which accepts `previous` keys.
fn client_with(key: &[u8], previous: &[&[u8]], from: Option<&Client>) -> Client {
    let keys = PreviousSecretKeys::new(previous).unwrap();
    let figment = figment().merge(("secret_key", key));
    let client = Client::tracked(rocket(manager()).manage(keys).configure(figment)).unwrap();
    if let Some(from) = from {
        *users(&client).sessions.lock().unwrap() = users(from).sessions.lock().unwrap().clone();
    }
    client
}

#[test]
fn a_cookie_under_a_previous_key_is_accepted_and_encrypted_again() {
    let old = client_with(&OLD, &[], None);
    log_in_as(&old, "ada");
    let cookie = old.cookies().get("login").unwrap().clone();
    let new = client_with(&NEW, &[&[3; 40], &OLD], Some(&old));
    let response = new.get("/members").cookie(cookie.clone()).dispatch();
    assert_eq!(response.into_string().unwrap(), "ada");
    let resealed = new.cookies().get("login").unwrap().clone();
    assert_ne!(resealed.value(), cookie.value());
    let without = client_with(&NEW, &[], Some(&old));
    assert_eq!(text(without.get("/members").cookie(resealed).dispatch()), "ada");
    assert_redirects(
        &without.get("/members").cookie(cookie).dispatch(),
        "/log-in?lang=en&next=/members",
    );
}

#[test]
fn a_previous_key_opens_only_cookies_of_the_same_name() {
    let old = client_with(&OLD, &[], None);
    log_in_as(&old, "ada");
    let value = old.cookies().get("login").unwrap().value().to_owned();
    let new = client_with(&NEW, &[&OLD], Some(&old));
    let response = new.get("/who").cookie(Cookie::new("other", value)).dispatch();
    assert_sets_no_cookie(&response);
    assert!(text(response).starts_with("anonymous"));
}

#[test]
fn rejects_short_keys() {
    assert!(PreviousSecretKeys::new([[0; 31]]).is_none());
    assert!(PreviousSecretKeys::new([[0; 32]]).is_some_and(|keys| !keys.is_empty()));
    assert!(PreviousSecretKeys::default().is_empty());
}
