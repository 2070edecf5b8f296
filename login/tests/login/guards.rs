//! Request guards in handlers, and custom guards.

use std::sync::Arc;

use crate::support::*;
use rocket::http::Status;
use rocket::local::blocking::Client;
use rocket::outcome::try_outcome;
use rocket::request::{FromRequest, Outcome};
use rocket::serde::{Serialize, Serializer, json};
use rocket::{Request, get, routes};
use rocket_login::{AuthError, CurrentUser, FreshUser};

type RequiredUser = rocket_login::RequiredUser<User>;

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

impl User {
    fn is_admin(&self) -> bool {
        self.name == "root"
    }
}

pub struct Admin(pub RequiredUser);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        let user = try_outcome!(request.guard::<RequiredUser>().await);
        match user.is_admin() {
            true => Outcome::Success(Admin(user)),
            false => Outcome::Error((Status::Forbidden, AuthError::Forbidden)),
        }
    }
}

#[get("/admin")]
fn admin(admin: Admin) -> String {
    admin.0.name.clone()
}

#[get("/guards")]
fn guards(current: CurrentUser<User>, required: RequiredUser, fresh: FreshUser<User>) -> String {
    // The guards are `Clone`, although `User` is not.
    let copies = (current.clone(), required.clone(), fresh.clone());
    let kept: [Arc<User>; 3] =
        [copies.0.into_inner().unwrap(), copies.1.into_inner(), copies.2.into_inner()];
    assert!(
        kept.iter().all(|user| Arc::ptr_eq(user, &kept[0])),
        "the guards do not share the user"
    );
    format!("{current:?} {required:?} {fresh:?}")
}

#[get("/optional")]
fn optional(user: Option<RequiredUser>) -> &'static str {
    if user.is_some() { "a user" } else { "nobody" }
}

#[get("/why")]
fn why(user: Result<FreshUser<User>, AuthError>) -> String {
    format!("{:?}", user.map(|user| user.name.clone()))
}

#[test]
fn guards_implement_clone_and_debug_for_any_user_type() {
    let rocket = rocket(manager()).mount("/", routes![guards]);
    let client = Client::tracked(rocket).unwrap();
    log_in_as(&client, "ada");
    let printed = "CurrentUser { .. } RequiredUser { .. } FreshUser { .. }";
    assert_eq!(get_text(&client, "/guards"), printed);
}

#[test]
fn a_guard_serializes_as_its_user() {
    #[get("/json")]
    fn users(current: CurrentUser<User>, user: Option<RequiredUser>) -> String {
        json::to_string(&(current, user)).unwrap()
    }
    #[get("/fresh")]
    fn fresh(user: FreshUser<User>) -> String {
        json::to_string(&user).unwrap()
    }
    let rocket = rocket(manager()).mount("/", routes![users, fresh]);
    let client = Client::tracked(rocket).unwrap();
    assert_eq!(get_text(&client, "/json"), "[null,null]");
    log_in_as(&client, "ada");
    assert_eq!(get_text(&client, "/json"), r#"["ada","ada"]"#);
    assert_eq!(get_text(&client, "/fresh"), r#""ada""#);
}

#[test]
fn a_handler_can_take_a_guard_as_an_option_or_a_result() {
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

#[test]
fn a_role_guard_redirects_anonymous_users_and_rejects_users_without_the_role() {
    let client = Client::tracked(rocket(manager()).mount("/", routes![admin])).unwrap();
    assert_redirects(&client.get("/admin").dispatch(), "/log-in?lang=en&next=/admin");
    log_in_as(&client, "ada");
    assert_eq!(client.get("/admin").dispatch().status(), Status::Forbidden);
    log_in_as(&client, "root");
    assert_eq!(get_text(&client, "/admin"), "root");
}

#[test]
fn current_user_returns_an_error_without_a_manager() {
    #[get("/anyone")]
    fn anyone() -> Anyone {
        Anyone
    }
    struct Anyone;
    impl<'r> rocket::response::Responder<'r, 'static> for Anyone {
        fn respond_to(self, request: &'r Request<'_>) -> rocket::response::Result<'static> {
            let user = rocket_login::current_user::<User>(request);
            format!("{:?}", user.map(|user| user.is_some())).respond_to(request)
        }
    }

    let client = Client::tracked(quiet().mount("/", routes![anyone])).unwrap();
    assert_eq!(get_text(&client, "/anyone"), "Err(Unavailable)");
    let client = Client::tracked(rocket(manager()).mount("/", routes![anyone])).unwrap();
    assert_eq!(get_text(&client, "/anyone"), "Ok(false)");
}

#[test]
fn the_readme_contains_the_role_guard() {
    let readme = include_str!("../../README.md");
    let block = readme.split("```rust,ignore\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(include_str!("guards.rs").contains(block), "{block}");
}
