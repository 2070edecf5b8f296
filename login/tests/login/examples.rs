//! The examples as complete apps.

use crate::support::{assert_redirects, text};
use rocket::http::{ContentType, Cookie, Header, Status};
use rocket::local::blocking::{Client, LocalResponse};

#[expect(dead_code, reason = "an example has a `main`")]
mod minimal {
    include!("../../examples/minimal.rs");

    pub fn site() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[expect(dead_code, reason = "an example has a `main`")]
mod api {
    include!("../../examples/api.rs");

    pub fn site() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[expect(dead_code, reason = "an example has a `main`")]
mod sessions {
    include!("../../examples/sessions.rs");

    pub fn site() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

const RIGHT: &str = "username=ada&password=a+horse+that+staples+batteries";

#[test]
fn the_minimal_site_logs_users_in_remembers_them_and_logs_them_out() {
    let client = Client::tracked(minimal::site()).unwrap();
    let log_in = |path: &'static str, form: String| {
        client.post(path).header(ContentType::Form).body(form).dispatch()
    };
    assert_redirects(&client.get("/").dispatch(), "/login?next=/");
    assert!(text(client.get("/login?next=/").dispatch()).contains("name=remember"));
    for wrong in ["username=ada&password=wrong", "username=eve&password=wrong"] {
        let response = log_in("/login", wrong.to_owned());
        assert_eq!(response.status(), Status::Ok);
        assert!(response.cookies().get("login").is_none());
        assert!(text(response).contains("Invalid username or password."));
    }
    let response = log_in("/login?next=/?page=2", format!("{RIGHT}&remember=on"));
    assert_redirects(&response, "/?page=2");
    let days = response.cookies().get("login").unwrap().max_age().unwrap().whole_days();
    assert_eq!(days, 30);
    drop(response);
    assert!(text(client.get("/").dispatch()).contains("Welcome, ada!"));
    assert_redirects(&client.post("/logout").dispatch(), "/login");
    assert_redirects(&client.get("/").dispatch(), "/login?next=/");
    let response = log_in("/login?next=//evil.example", RIGHT.to_owned());
    assert_redirects(&response, "/");
    assert!(response.cookies().get("login").unwrap().max_age().is_none());
}

#[test]
fn the_sessions_site_revokes_server_side_sessions() {
    let client = Client::untracked(sessions::site()).unwrap();
    let post = |path: &'static str, form: &'static str, cookie: &Cookie<'static>| {
        let request = client.post(path).header(ContentType::Form).body(form);
        request.cookie(cookie.clone()).dispatch()
    };
    let session = |response: LocalResponse<'_>| response.cookies().get("login").cloned();
    let home = |cookie: &Cookie<'static>| text(client.get("/").cookie(cookie.clone()).dispatch());
    let none = Cookie::new("none", "");
    let ada = "username=ada&password=first";

    let phone = session(post("/register", ada, &none)).unwrap();
    assert_eq!(home(&phone), " You are ada.");
    assert!(
        session(post("/register", ada, &none)).is_none(),
        "a taken username was registered again"
    );
    assert!(session(post("/login", "username=ada&password=wrong", &none)).is_none());
    assert!(session(post("/login", "username=eve&password=first", &none)).is_none());
    let laptop = session(post("/login", ada, &none)).unwrap();
    let tablet = session(post("/login", ada, &none)).unwrap();

    post("/logout", "", &tablet);
    assert_eq!(home(&tablet), " You are anonymous.", "a copied cookie still works after logout");
    let renewed = session(post("/reauthenticate", "password=first", &laptop)).unwrap();
    assert_eq!(home(&laptop), " You are anonymous.");
    assert!(session(post("/reauthenticate", "password=wrong", &renewed)).is_none());
    let denied = post("/reauthenticate", "password=first", &laptop);
    assert_redirects(&denied, "/?next=/");
    drop(denied);
    let changed = session(post("/password", "password=second", &renewed)).unwrap();
    for old in [&phone, &renewed] {
        assert_eq!(home(old), " You are anonymous.");
    }
    assert_eq!(home(&changed), " You are ada.");
    assert!(session(post("/login", ada, &none)).is_none());
}

#[test]
fn the_api_identifies_users_by_their_key_and_responds_in_json() {
    let client = Client::tracked(api::site()).unwrap();
    let me = |key: &'static str| {
        let response = client.get("/me").header(Header::new("Authorization", key)).dispatch();
        assert!(response.headers().get_one("Set-Cookie").is_none());
        (response.status(), text(response))
    };
    assert_eq!(me("Bearer ada-s-key"), (Status::Ok, r#"{"name":"ada"}"#.to_owned()));
    for wrong in ["Bearer wrong", "ada-s-key", ""] {
        assert_eq!(me(wrong), (Status::Unauthorized, r#"{"error":"Unauthorized"}"#.to_owned()));
    }
}

#[test]
fn the_readme_contains_the_minimal_site() {
    let readme = include_str!("../../README.md");
    assert!(
        readme
            .contains(&format!("```rust,no_run\n{}```", include_str!("../../examples/minimal.rs")))
    );
}
