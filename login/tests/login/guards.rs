//! The guards as types.

use std::sync::Arc;

use crate::support::*;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use rocket_login::{AuthError, CurrentUser, FreshUser, RequiredUser};

#[get("/guards")]
fn guards(
    current: CurrentUser<User>,
    required: RequiredUser<User>,
    fresh: FreshUser<User>,
) -> String {
    // `User` is not `Clone`, and its guards are.
    let copies = (current.clone(), required.clone(), fresh.clone());
    let kept: [Arc<User>; 3] =
        [copies.0.into_inner().unwrap(), copies.1.into_inner(), copies.2.into_inner()];
    assert!(kept.iter().all(|user| Arc::ptr_eq(user, &kept[0])), "the user is shared");
    format!("{current:?} {required:?} {fresh:?}")
}

#[get("/optional")]
fn optional(user: Option<RequiredUser<User>>) -> &'static str {
    if user.is_some() { "a user" } else { "nobody" }
}

#[get("/why")]
fn why(user: Result<FreshUser<User>, AuthError>) -> String {
    format!("{:?}", user.map(|user| user.name.clone()))
}

#[test]
fn guards_can_be_cloned_kept_and_printed_whatever_the_user_can() {
    let rocket = rocket(manager()).mount("/", routes![guards]);
    let client = Client::tracked(rocket).unwrap();
    log_in_as(&client, "ada");
    let printed = r#"CurrentUser(Some("ada")) RequiredUser("ada") FreshUser("ada")"#;
    assert_eq!(get_text(&client, "/guards"), printed);
}

#[test]
fn a_handler_can_take_a_guards_option_or_result() {
    let (clock, time) = test_clock();
    let rocket = rocket(manager().clock(time)).mount("/", routes![optional, why]);
    let client = Client::tracked(rocket).unwrap();
    assert_eq!(get_text(&client, "/optional"), "nobody");
    assert_eq!(get_text(&client, "/why"), "Err(Unauthorized)");
    log_in_as(&client, "ada");
    assert_eq!(get_text(&client, "/optional"), "a user");
    assert_eq!(get_text(&client, "/why"), "Ok(\"ada\")");
    advance(&clock, 15 * 60 + 1);
    assert_eq!(get_text(&client, "/why"), "Err(NeedsRefresh)");
}
