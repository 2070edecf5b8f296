//! Test support for an app's own tests.

use crate::support::*;
use rocket::http::Status;
use rocket::local::blocking::Client;
use rocket::serde::json::{Value, json};
use rocket::{catch, catchers, get, post, routes};
use rocket_login::{LoginOptions, Remember, RequiredUser, testing};

#[test]
fn session_cookie_logs_a_test_client_in() {
    let client = Client::untracked(rocket(manager())).unwrap();
    users(&client).sessions.lock().unwrap().insert("1".to_owned(), "ada".to_owned());
    let who = |options: LoginOptions| {
        let cookie = testing::session_cookie::<User>(client.rocket(), "1", options).unwrap();
        text(client.get("/who").private_cookie(cookie).dispatch())
    };
    assert_eq!(who(LoginOptions::new()), "ada fresh=true remembered=false");
    let options = LoginOptions::from(Remember::Yes).not_fresh();
    assert_eq!(who(options), "ada fresh=false remembered=true");
    let without_manager = Client::untracked(quiet()).unwrap();
    let cookie = testing::session_cookie::<User>(without_manager.rocket(), "1", Remember::No);
    assert!(cookie.is_none());
}

#[get("/api/keys/<_>/<_>", format = "json")]
fn keys(_user: RequiredUser<User>) {}

#[post("/api/keys?<_name>", format = "json", data = "<_body>")]
fn new_key(_user: RequiredUser<User>, _name: &str, _body: rocket::serde::json::Json<Value>) {}

#[get("/files/<_path..>")]
fn files(_user: RequiredUser<User>, _path: std::path::PathBuf) {}

#[get("/api/open/<_id>")]
fn open(_id: u8) {}

#[get("/api/checked")]
fn checked(user: Option<RequiredUser<User>>) -> &'static str {
    if user.is_some() { "all" } else { "something" }
}

#[catch(401)]
fn own_401() -> Value {
    json!({ "code": 401 })
}

#[test]
fn lists_the_routes_that_no_login_guard_protects() {
    let more = rocket(manager())
        .mount("/", routes![keys, new_key, files, open, checked])
        .register("/api", catchers![own_401]);
    assert_eq!(
        testing::unprotected_routes(more).unwrap(),
        [
            "GET /api/checked",
            "GET /api/open/<_id>",
            "GET /expires-in",
            "GET /own-error/<kind>",
            "GET /static/<_>",
            "GET /who",
            "POST /confirm",
            "POST /log-in-for/<seconds>",
            "POST /log-in-with/<id>",
            "POST /log-in/<name>?<remember>&<not_fresh>",
            "POST /log-out",
            "POST /log-out-and-fail/<status>",
            "POST /register/<name>",
            "POST /replace-session/<id>",
            "POST /switch-to/<name>",
        ]
    );
}

#[test]
fn lists_a_route_behind_a_protected_route_and_a_route_with_its_own_401() {
    #[get("/report", format = "json")]
    fn report_json(_user: RequiredUser<User>) {}
    #[get("/report", rank = 20)]
    fn report() {}
    #[get("/doc/1")]
    fn doc_1(_user: RequiredUser<User>) {}
    #[get("/doc/<_id>")]
    fn doc(_id: u8) {}
    #[get("/own-401")]
    fn own_401() -> Status {
        Status::Unauthorized
    }

    let routes = routes![report_json, report, doc_1, doc, own_401];
    let all = testing::unprotected_routes(rocket(manager()).mount("/", routes)).unwrap();
    for route in ["GET /report", "GET /doc/<_id>", "GET /own-401"] {
        assert!(all.contains(&route.to_owned()), "{route} is not in {all:?}");
    }
    assert!(!all.contains(&"GET /doc/1".to_owned()), "{all:?}");
}

#[test]
fn a_route_is_protected_regardless_of_the_unauthorized_handlers_response() {
    let manager = manager().unauthorized_handler(|_| (Status::Ok, "a login form"));
    let open = testing::unprotected_routes(rocket(manager)).unwrap();
    assert!(!open.contains(&"GET /members?<_page>".to_owned()), "{open:?}");
}

#[test]
fn a_store_test_can_begin_a_session() {
    use rocket_login::LoginStore;

    let users = Users::default();
    let mut session = testing::new_session(1, 2);
    session.user_agent = "Firefox";
    let begun = rocket::execute(users.begin_session(&user("ada"), &session)).unwrap();
    assert!(begun.is_some());
    assert_eq!(*users.calls.lock().unwrap(), ["begin_session ada Firefox"]);
}

#[test]
fn unprotected_routes_returns_an_error_if_the_app_does_not_launch() {
    let error = testing::unprotected_routes(quiet().attach(manager())).unwrap_err();
    assert_eq!(error.to_string(), "launch fairing(s) failed");
}
