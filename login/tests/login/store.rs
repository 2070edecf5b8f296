//! Calls to the store, their arguments, and failures of the store.

use std::sync::atomic::Ordering;

use crate::support::*;
use rocket::http::{Header, Status};
use rocket::local::blocking::Client;

#[test]
fn loads_the_user_once_per_request_except_for_anonymous_users_and_exempt_paths() {
    let client = client(manager());
    get_text(&client, "/who");
    get_text(&client, "/members");
    assert_eq!(calls(&client), [""; 0]);
    log_in_as(&client, "ada");
    calls(&client);
    get_text(&client, "/who");
    assert_eq!(calls(&client).len(), 1);
    get_text(&client, "/static/1");
    assert_eq!(calls(&client), [""; 0]);
}

#[test]
fn requests_under_an_exempt_path_are_anonymous() {
    let client = client(manager());
    log_in_as(&client, "ada");
    let response = client.get("/static/members").dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/static/members");
    assert_eq!(client.get("/statics").dispatch().status(), Status::NotFound);
    assert_eq!(calls(&client).pop().unwrap(), "load ada-1", "/statics is not under /static");
    for path in ["//static/1", "/%73tatic/1"] {
        assert_eq!(client.get(path).dispatch().status(), Status::Ok, "{path}");
        assert_eq!(calls(&client), [""; 0], "{path}");
    }
}

#[test]
fn passes_the_time_of_the_managers_clock_to_the_store() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    let now = clock.load(Ordering::Relaxed);
    log_in_as(&client, "ada");
    advance(&clock, 5);
    get_text(&client, "/who");
    assert_eq!(*users(&client).times.lock().unwrap(), [now, now + 5]);
}

#[test]
fn begin_session_receives_the_user_agent_truncated_to_256_bytes() {
    let client = client(manager());
    for (sent, kept) in [("a".repeat(300), 256), (format!("{}é", "a".repeat(255)), 255)] {
        client.post("/log-in/ada").header(Header::new("User-Agent", sent)).dispatch();
        let call = format!("begin_session ada {}", "a".repeat(kept));
        assert!(calls(&client).contains(&call), "{kept}");
    }
}

#[test]
fn renew_session_receives_the_user_agent_and_the_expiry_time() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    post_text(&client, "/log-in/ada?remember=yes");
    advance(&clock, 60);
    client.post("/confirm").header(Header::new("User-Agent", "Firefox")).dispatch();
    let left = 30 * 24 * 60 * 60 - 60;
    assert!(calls(&client).contains(&format!("renew_session ada-1 Firefox {left} true")));
}

#[test]
fn a_user_loader_that_fails_or_panics_causes_a_503_that_sets_no_cookie() {
    for name in ["ada", "panic"] {
        let client = client(manager());
        log_in_as(&client, name);
        let breaks = |method| *users(&client).broken.lock().unwrap() = method;
        breaks((name == "ada").then_some("load"));
        for path in ["/who", "/members", "/settings", "/result", "/own-error/unavailable"] {
            let response = client.get(path).dispatch();
            assert_eq!(response.status(), Status::ServiceUnavailable, "{path}");
            assert_sets_no_cookie(&response);
        }
        assert_eq!(client.post("/log-out").dispatch().status(), Status::ServiceUnavailable);
        assert_eq!(client.get("/static/1").dispatch().status(), Status::Ok);
        breaks(None);
        if name == "ada" {
            assert_eq!(get_text(&client, "/members"), "ada");
        }
    }
}

#[test]
fn a_request_loader_that_fails_causes_a_503() {
    let client = client(manager());
    *users(&client).broken.lock().unwrap() = Some("load_from_request");
    let response = client.get("/who").header(Header::new("X-Key", "bob")).dispatch();
    assert_eq!(response.status(), Status::ServiceUnavailable);
}

#[test]
fn a_failed_login_keeps_the_previous_login_and_tries_to_end_the_new_session() {
    for method in ["begin_session", "end_session"] {
        let client = client(manager());
        log_in_as(&client, "ada");
        *users(&client).broken.lock().unwrap() = Some(method);
        let response = client.post("/log-in/bob").dispatch();
        assert_sets_no_cookie(&response);
        assert_eq!(response.status(), Status::ServiceUnavailable);
        drop(response);
        let tried = calls(&client);
        *users(&client).broken.lock().unwrap() = None;
        assert_eq!(get_text(&client, "/members"), "ada");
        if method == "end_session" {
            // The new session is ended, because the old session could not be ended.
            let bobs = users(&client).sessions.lock().unwrap().keys().max().unwrap().clone();
            assert_eq!(tried.last().unwrap(), &format!("end_session {bobs}"));
        }
    }
}

#[test]
fn a_failed_logout_leaves_the_user_logged_in() {
    let client = client(manager());
    log_in_as(&client, "ada");
    *users(&client).broken.lock().unwrap() = Some("end_session");
    let response = client.post("/log-out").dispatch();
    assert_eq!(response.status(), Status::ServiceUnavailable);
    assert_sets_no_cookie(&response);
    drop(response);
    assert_eq!(get_text(&client, "/members"), "ada");
}

#[test]
fn a_user_from_the_request_loader_has_no_fresh_login_and_no_session() {
    let client = client(manager());
    let with_key = |path| client.get(path).header(Header::new("X-Key", "bob"));
    let response = with_key("/who").dispatch();
    assert_sets_no_cookie(&response);
    assert_eq!(text(response), "bob fresh=false remembered=false");
    assert_redirects(&with_key("/settings").dispatch(), "/confirm?next=/settings");
    assert_eq!(get_text(&client, "/who"), "anonymous fresh=false remembered=false");
    let confirmed = client.post("/confirm").header(Header::new("X-Key", "bob")).dispatch();
    assert_eq!(text(confirmed), "false", "there is no session to confirm");
}

#[test]
fn a_session_takes_precedence_over_the_request_loader() {
    let client = client(manager());
    log_in_as(&client, "ada");
    let with_key = |key| client.get("/members").header(Header::new("X-Key", key));
    assert_eq!(text(with_key("bob").dispatch()), "ada");
    assert_eq!(text(with_key("unknown").dispatch()), "ada");
    users(&client).sessions.lock().unwrap().clear();
    assert_eq!(text(with_key("bob").dispatch()), "bob");
}

#[test]
fn a_request_is_anonymous_if_the_request_loader_finds_no_active_user() {
    let client = Client::untracked(rocket(manager())).unwrap();
    for key in ["unknown", "inactive"] {
        let response = client.get("/who").header(Header::new("X-Key", key)).dispatch();
        assert_eq!(text(response), "anonymous fresh=false remembered=false");
        let response = client.get("/members").header(Header::new("X-Key", key)).dispatch();
        assert_redirects(&response, "/log-in?lang=en&next=/members");
    }
}

#[test]
fn a_generic_wrapper_can_implement_login_store() {
    use rocket_login::{LoginStore, NewSession};

    struct Wrapper<S>(S);

    impl<S: LoginStore> LoginStore for Wrapper<S> {
        type User = S::User;
        type Error = S::Error;

        async fn load(&self, id: &str, now: i64) -> Result<Option<S::User>, S::Error> {
            self.0.load(id, now).await
        }

        async fn begin_session(
            &self,
            user: &S::User,
            session: &NewSession<'_>,
        ) -> Result<Option<String>, S::Error> {
            self.0.begin_session(user, session).await
        }
    }

    let store = Wrapper(Users::default());
    let session = rocket_login::testing::new_session(0, 1);
    let id = rocket::execute(store.begin_session(&user("ada"), &session)).unwrap().unwrap();
    assert_eq!(rocket::execute(store.load(&id, 0)).unwrap().unwrap().name, "ada");
}
